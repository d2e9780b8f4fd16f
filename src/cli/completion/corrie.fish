# fish completion for corrie. For every shell: corrie completion fish > ~/.config/fish/completions/corrie.fish
# The program itself says what may come next; this hands it the words, and files to the shell.

function __corrie_complete
    set -l typed (commandline -opc) (commandline -ct)
    set -l program $typed[1]
    set -e typed[1]
    for line in ($program complete -- $typed 2>/dev/null)
        if test "$line" = ":files"
            __fish_complete_path (commandline -ct)
        else
            echo $line
        end
    end
end
complete -c corrie -f -a "(__corrie_complete)"
complete -c bauplan -f -a "(__corrie_complete)"
