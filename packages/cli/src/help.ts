/** What `rondo --help` and `rondo COMMAND --help` print, made by cac from the tables of flags. */
import { type CAC, cac } from 'cac'
import { RUN_FLAGS, valueHint } from './args/flags.ts'

export const VERSION = '0.1.0'

/** All commands with their options; also parses the simple ones. */
export function commandLine(): CAC {
  const cli = cac('rondo')
  const run = cli
    .command('run [SCRIPT] [...SCRIPT_ARGS]', 'Train: run a script on several ranks', { allowUnknownOptions: true })
    .example('rondo run examples/mnist/train.ts --devices 2 --epochs 3')
  for (const [name, flag] of Object.entries(RUN_FLAGS)) {
    const hint = valueHint(flag)
    run.option(`--${name}${hint === '' ? '' : ` <${hint}>`}`, flag.help)
  }
  cli
    .command('serve [SCRIPT]', 'Gather browsers: server, pages and a QR code; runs start from the page')
    .option('--port <N>', 'port of the server (29400)')
    .option('--session <NAME>', 'name of the session (default)')
  cli.command('doctor', 'Find out what works on this machine').option('--browser <PATH>', 'the browser to examine')
  cli.help()
  cli.version(VERSION)
  return cli
}

/** Prints the help of one command, or of all. */
export function printHelp(command?: string): void {
  const cli = commandLine()
  cli.parse(['node', 'rondo', ...(command === undefined ? [] : [command]), '--help'], { run: false })
}
