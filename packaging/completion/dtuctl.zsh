#compdef dtuctl
# Completion of dtuctl for zsh. dtuctl itself knows what fits.
_dtuctl() {
  local line candidate meaning
  local -a plain described
  for line in "${(@f)$(${words[1]} __complete "${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    [[ -z $line ]] && continue
    if [[ $line == :files ]]; then
      _files
      continue
    fi
    candidate=${line%%$'\t'*}
    meaning=${line#*$'\t'}
    if [[ $line == *$'\t'* ]]; then
      described+=("${candidate//:/\\:}:$meaning")
    else
      plain+=("$candidate")
    fi
  done
  (( ${#described} )) && _describe dtuctl described
  (( ${#plain} )) && compadd -- "${plain[@]}"
}
compdef _dtuctl dtuctl
