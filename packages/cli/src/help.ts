/** What `rondo --help` and `rondo COMMAND --help` print, made by cac from the table of commands. */
import { type CAC, cac } from 'cac'
import { helpText, valueHint } from './args/flags.ts'
import { COMMANDS } from './commands.ts'

export const VERSION = '0.1.0'

/** Flags that cac adds by itself. */
const BY_CAC = ['help', 'version']

function commandLine(): CAC {
  const cli = cac('rondo')
  for (const [name, { words, help, flags, examples }] of Object.entries(COMMANDS)) {
    const command = cli.command(name, help).usage([name, words].filter(Boolean).join(' '))
    for (const [flagName, flag] of Object.entries(flags)) {
      if (BY_CAC.includes(flagName)) continue
      const hint = valueHint(flag)
      command.option(`--${flagName}${hint === '' ? '' : ` <${hint}>`}`, helpText(flag))
    }
    for (const example of examples) command.example(example)
  }
  cli.help()
  cli.version(VERSION)
  return cli
}

/** Prints the help of one command, or of all. */
export function printHelp(command?: string): void {
  const cli = commandLine()
  cli.parse(['node', 'rondo', ...(command === undefined ? [] : [command]), '--help'], { run: false })
}

export function printVersion(): void {
  console.log(`rondo/${VERSION} node-${process.version}`)
}
