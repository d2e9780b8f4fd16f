# bash completion for corrie. For every shell: corrie completion bash > ~/.local/share/bash-completion/completions/corrie
# The program itself says what may come next; this hands it the words, and files to the shell.

_corrie() {
    local word line piece cur="" joined=() i

    # bash cuts words at = and : too; corrie's words are those between spaces
    for ((i = 1; i <= COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if ((${#joined[@]})) && [[ $word == [=:]* || ${COMP_WORDS[i - 1]} == [=:] ]]; then
            joined[${#joined[@]} - 1]+=$word
        else
            joined+=("$word")
        fi
    done
    ((${#joined[@]})) && cur=${joined[${#joined[@]} - 1]}

    # what of the word stands before the piece that bash replaces
    piece=${COMP_WORDS[COMP_CWORD]}
    [[ $piece == [=:] ]] && piece=""
    local before=${cur%"$piece"}

    COMPREPLY=()
    while IFS= read -r line; do
        if [[ $line == ":files" ]]; then
            compopt -o filenames 2>/dev/null
            while IFS= read -r word; do
                COMPREPLY+=("$word")
            done < <(compgen -f -- "$piece")
        else
            word=${line%%$'\t'*}
            COMPREPLY+=("$(printf '%q' "${word#"$before"}")")
        fi
    done < <("${COMP_WORDS[0]}" complete -- "${joined[@]}" 2>/dev/null)
}
complete -F _corrie corrie bauplan
