# Completion of dtuctl for bash. dtuctl itself knows what fits.
_dtuctl() {
  # The line is cut at blanks only: bash's own words end at ':' and '=' too.
  local line=${COMP_LINE:0:COMP_POINT} words current candidate meaning
  read -ra words <<<"$line"
  [[ $line == *[[:space:]] ]] && words+=("")
  current=${words[${#words[@]}-1]}
  COMPREPLY=()
  while IFS=$'\t' read -r candidate meaning; do
    if [[ $candidate == :files ]]; then
      compopt -o filenames 2>/dev/null
      local file
      while IFS= read -r file; do COMPREPLY+=("$file"); done < <(compgen -f -- "$current")
    else
      COMPREPLY+=("$candidate")
    fi
  done < <("${words[0]}" __complete "${words[@]:1}" 2>/dev/null)
  # bash replaces only what stands after its last word break.
  if [[ $current == *[:=]* ]]; then
    local head=${current%"${current##*[:=]}"} i
    for i in "${!COMPREPLY[@]}"; do COMPREPLY[i]=${COMPREPLY[i]#"$head"}; done
  fi
}
complete -F _dtuctl dtuctl
