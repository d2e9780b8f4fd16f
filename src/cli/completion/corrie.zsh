#compdef corrie bauplan
# zsh completion for corrie. For every shell: corrie completion zsh > a folder of $fpath, as _corrie
# The program itself says what may come next; this hands it the words, and files to the shell.

_corrie() {
    local line word what
    local -a plain described

    while IFS= read -r line; do
        if [[ $line == ":files" ]]; then
            compset -P '*='
            _files
            continue
        fi
        word=${line%%$'\t'*}
        what=${line#*$'\t'}
        plain+=("$word")
        described+=("${word}${what:+  -- $what}")
    done < <("${words[1]}" complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)
    (( ${#plain} )) && compadd -l -d described -- "${plain[@]}"
}

if [[ $funcstack[1] == _corrie ]]; then
    _corrie "$@"
else
    compdef _corrie corrie bauplan
fi
