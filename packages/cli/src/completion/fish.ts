/** Fish completion: one `complete` line a command and a flag. */
import type { CommandEntry } from '../commands.ts'

export function fishCompletion(commands: Readonly<Record<string, CommandEntry>>): string {
  const lines = ['# fish completion for rondo; load it with: rondo completion fish | source']
  for (const [name, { help, flags, choices }] of Object.entries(commands)) {
    lines.push(`complete -c rondo -n __fish_use_subcommand -f -a ${name} -d ${quoted(help)}`)
    const within = `complete -c rondo -n '__fish_seen_subcommand_from ${name}'`
    if (choices) lines.push(`${within} -f -a ${quoted(choices.join(' '))}`)
    for (const [flag, about] of Object.entries(flags)) {
      const values = about.kind === 'choice' ? ` -x -a ${quoted(about.choices.join(' '))}` : ''
      const needs = about.kind === 'switch' ? '' : values || ' -r'
      lines.push(`${within} -l ${flag}${needs} -d ${quoted(about.help)}`)
    }
  }
  return `${lines.join('\n')}\n`
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}
