/** The `rondo` command. Picks the subcommand, prints refusals as one sentence, sets the exit code. */
import { RondoError } from '@rondo/protocol'
import color from 'picocolors'
import { COMMANDS } from './commands.ts'
import { printHelp, printVersion } from './help.ts'
import { exitCodeOfError } from './process/exit-code.ts'

async function main([command, ...words]: readonly string[]): Promise<number> {
  switch (command) {
    case undefined:
    case '--help':
    case '-h':
    case 'help':
      help()
      return command === undefined ? 2 : 0
    case '--version':
    case '-v':
      return version()
    case 'run':
    case 'exec': {
      const { runCommand } = await import('./run/command.ts')
      const code = await runCommand(words, command)
      return code === 'help' ? help(command) : code === 'version' ? version() : code
    }
    case 'completion': {
      if (asksForHelp(words)) return help('completion')
      const { completionScript } = await import('./completion/command.ts')
      process.stdout.write(completionScript(words))
      return 0
    }
    case 'serve': {
      if (asksForHelp(words)) return help('serve')
      const { serveCommand } = await import('./serve/command.ts')
      return serveCommand(words)
    }
    case 'doctor': {
      if (asksForHelp(words)) return help('doctor')
      const { doctorCommand } = await import('./doctor/command.ts')
      return doctorCommand(words)
    }
    case 'consolidate': {
      if (asksForHelp(words)) return help('consolidate')
      const { consolidateCommand } = await import('./consolidate/command.ts')
      return consolidateCommand(words)
    }
    case 'build': {
      const { ensureAssets } = await import('./assets/build.ts')
      const built = await ensureAssets(new AbortController().signal, console.log)
      if (!built) console.log('The pages and the runtime are up to date.')
      return 0
    }
    case 'browser': {
      const { findBrowser } = await import('./browser/find.ts')
      const { machineSearch } = await import('./browser/install.ts')
      console.log(await findBrowser(undefined, machineSearch(console.error)))
      return 0
    }
    default:
      throw new RondoError(
        'BAD_ARGUMENT',
        `"${command}" is not a command of rondo. Allowed are ${Object.keys(COMMANDS).join(', ')}. Write rondo run SCRIPT, or rondo --help.`,
      )
  }
}

function help(command?: string): number {
  printHelp(command)
  return 0
}

function version(): number {
  printVersion()
  return 0
}

/** What stands after `--` is the script's. */
function asksForHelp(words: readonly string[]): boolean {
  const own = words.includes('--') ? words.slice(0, words.indexOf('--')) : words
  return own.includes('--help') || own.includes('-h')
}

main(process.argv.slice(2)).then(
  (code) => process.exit(code),
  (thrown: unknown) => {
    if (thrown instanceof RondoError) console.error(color.red(thrown.message))
    else console.error(thrown)
    process.exit(exitCodeOfError(thrown))
  },
)
