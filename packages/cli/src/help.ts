/** What `rondo --help` and `rondo COMMAND --help` print, made by cac from the tables of flags. */
import { type CAC, type Command, cac } from 'cac'
import { helpText, RUN_FLAGS, SERVE_ONLY_FLAGS, valueHint } from './args/flags.ts'

/** Flags of `rondo run` that mean something to a server. */
const SERVE_FLAGS = ['main-port', 'session', 'accelerator', 'strategy', 'precision', 'process-group-backend', 'log-dir']

export const VERSION = '0.1.0'

/** All commands with their options; also parses the simple ones. */
export function commandLine(): CAC {
  const cli = cac('rondo')
  const run = cli
    .command('run [SCRIPT] [...SCRIPT_ARGS]', 'Train: run a script on several ranks', { allowUnknownOptions: true })
    .example('rondo run examples/mnist/train.ts --devices 2 --epochs 3')
  for (const name of Object.keys(RUN_FLAGS)) addFlag(run, name)
  const serve = cli.command('serve [SCRIPT] [...SCRIPT_ARGS]', 'Open the notebook, and gather browsers by a link')
  for (const name of [...SERVE_FLAGS, ...Object.keys(SERVE_ONLY_FLAGS)]) addFlag(serve, name)
  cli.command('doctor', 'Find out what works on this machine').option('--browser <PATH>', 'the browser to examine')
  cli.command('build', 'Build the pages and the runtime, if their sources changed')
  cli.command('browser', 'Print the path of the browser that is used, installing one if there is none')
  cli.help()
  cli.version(VERSION)
  return cli
}

function addFlag(command: Command, name: string): void {
  const flag = RUN_FLAGS[name] ?? SERVE_ONLY_FLAGS[name]
  if (flag === undefined) return
  const hint = valueHint(flag)
  command.option(`--${name}${hint === '' ? '' : ` <${hint}>`}`, helpText(flag))
}

/** Prints the help of one command, or of all. */
export function printHelp(command?: string): void {
  const cli = commandLine()
  cli.parse(['node', 'rondo', ...(command === undefined ? [] : [command]), '--help'], { run: false })
}
