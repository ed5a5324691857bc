/** `rondo completion SHELL`: prints what the shell has to load. */
import { RondoError } from '@rondo/protocol'
import { COMMANDS, SHELLS, type Shell } from '../commands.ts'
import { bashCompletion } from './bash.ts'
import { fishCompletion } from './fish.ts'
import { zshCompletion } from './zsh.ts'

const SCRIPTS: Readonly<Record<Shell, (commands: typeof COMMANDS) => string>> = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
}

/**
 * @param words everything after `rondo completion`
 * @throws BAD_ARGUMENT for a shell that is not known, or none
 */
export function completionScript(words: readonly string[]): string {
  const shell = SHELLS.find((name) => name === words[0])
  if (shell !== undefined && words.length === 1) return SCRIPTS[shell](COMMANDS)
  throw new RondoError(
    'BAD_ARGUMENT',
    `rondo completion ${words.join(' ')}: one shell is needed, of ${SHELLS.join(', ')}. Write for example source <(rondo completion bash).`,
  )
}
