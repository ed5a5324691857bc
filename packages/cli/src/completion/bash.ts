/**
 * Bash completion without the bash-completion package. Readline splits words at `=`, so `--strategy=dd` arrives as
 * three words; underscores in flags are read as dashes, as the command itself reads them.
 */
import type { CommandEntry } from '../commands.ts'
import { valuesOf } from './values.ts'

export function bashCompletion(commands: Readonly<Record<string, CommandEntry>>): string {
  const names = Object.keys(commands)
  const flags = names.map((name) => {
    const { flags, choices = [] } = commands[name] as CommandEntry
    const words = [...Object.keys(flags).map((flag) => `--${flag}`), ...choices]
    return `    ${name}) words='${words.join(' ')}' ;;`
  })
  const values = Object.entries(valuesOf(commands)).map(([flag, choices]) =>
    choices.length > 0 ? `    --${flag}) words='${choices.join(' ')}' ;;` : `    --${flag}) return 0 ;;`,
  )
  return `# bash completion for rondo; load it with: source <(rondo completion bash)
_rondo() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" prev='' command="\${COMP_WORDS[1]}" words='' i
  COMPREPLY=()
  for (( i = 2; i < COMP_CWORD; i++ )); do
    [[ "\${COMP_WORDS[i]}" == -- ]] && return 0
  done
  if (( COMP_CWORD > 0 )); then prev="\${COMP_WORDS[COMP_CWORD-1]}"; fi
  if [[ "$cur" == '=' ]]; then
    cur=''
  elif [[ "$prev" == '=' ]]; then
    prev="\${COMP_WORDS[COMP_CWORD-2]}"
  fi
  if (( COMP_CWORD == 1 )); then
    COMPREPLY=( $(compgen -W '${[...names, '--help', '--version'].join(' ')}' -- "$cur") )
    return 0
  fi
  case "\${prev//_/-}" in
${values.join('\n')}
  esac
  if [[ -n "$words" ]]; then
    COMPREPLY=( $(compgen -W "$words" -- "$cur") )
    return 0
  fi
  case "$command" in
${flags.join('\n')}
  esac
  if [[ "$cur" == --* ]]; then cur="\${cur//_/-}"; fi
  if [[ "$cur" == -* || "$command" == completion ]]; then
    COMPREPLY=( $(compgen -W "$words" -- "$cur") )
  fi
}
complete -o default -F _rondo rondo
`
}
