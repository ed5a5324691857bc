/** Zsh completion by `_arguments`, which knows both `--flag value` and `--flag=value`. */
import { type Flag, valueHint } from '../args/flags.ts'
import type { CommandEntry } from '../commands.ts'

export function zshCompletion(commands: Readonly<Record<string, CommandEntry>>): string {
  const list = Object.entries(commands).map(([name, { help }]) => `    ${quoted(`${name}:${help}`)}`)
  const cases = Object.entries(commands).map(([name, entry]) => {
    const specs = Object.entries(entry.flags).map(([flag, about]) => spec(flag, about))
    if (entry.choices) specs.push(quoted(`1:${name}:(${entry.choices.join(' ')})`))
    if (entry.passesOn) specs.push(quoted('*:script and its arguments:_files'))
    return `    ${name})\n      _arguments -S ${specs.join(' \\\n        ')}\n      ;;`
  })
  return `#compdef rondo
# zsh completion for rondo; load it with: source <(rondo completion zsh)
_rondo() {
  local -a commands
  commands=(
${list.join('\n')}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  local command="$words[2]"
  shift words
  (( CURRENT-- ))
  case "$command" in
${cases.join('\n')}
  esac
}
compdef _rondo rondo
`
}

function spec(name: string, flag: Flag): string {
  const about = `[${flag.help.replace(/[[\]:]/g, '')}]`
  if (flag.kind === 'switch') return quoted(`--${name}${about}`)
  const values = flag.kind === 'choice' ? `(${flag.choices.join(' ')})` : flag.kind === 'text' ? '_files' : ' '
  return quoted(`--${name}=${about}:${valueHint(flag)}:${values}`)
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
