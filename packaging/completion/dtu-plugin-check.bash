# Completion of dtu-plugin-check for bash.
_dtu_plugin_check() {
  local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}
  case $before in
    --config) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$current"); return ;;
    --only)
      local rules
      rules=$("${COMP_WORDS[0]}" --list 2>/dev/null | sed -n 's/^| `\([^`]*\)`.*/\1/p')
      mapfile -t COMPREPLY < <(compgen -W "$rules" -- "$current")
      return ;;
    --type|--patience) COMPREPLY=(); return ;;
  esac
  if [[ $current == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "--config --type --only --call --patience --json --list --help --version" -- "$current")
  else
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -f -X '!*.so' -- "$current"; compgen -d -- "$current")
  fi
}
complete -F _dtu_plugin_check dtu-plugin-check
