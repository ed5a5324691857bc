/**
 * Opens an address in the person's own browser, where there is one to open: a terminal with somebody at it, and a
 * desktop. Failing is no error, as the address was printed. Not for: browsers that train (browser/launch.ts).
 */
import { spawn } from 'node:child_process'

export interface Surroundings {
  platform: NodeJS.Platform
  environment: Readonly<Record<string, string | undefined>>
  /** Whether somebody reads what is printed. */
  isTerminal: boolean
}

/** The command that opens `url`, or null where none should: no terminal, no desktop, a remote shell, CI. */
export function openCommand(url: string, surroundings: Surroundings): string[] | null {
  const { platform, environment, isTerminal } = surroundings
  if (!isTerminal || environment['CI'] || environment['SSH_CONNECTION']) return null
  switch (platform) {
    case 'darwin':
      return ['open', url]
    case 'win32':
      // An address has an ampersand, at which cmd.exe would cut it.
      return ['rundll32', 'url.dll,FileProtocolHandler', url]
    default:
      return environment['DISPLAY'] || environment['WAYLAND_DISPLAY'] ? ['xdg-open', url] : null
  }
}

/** @param say prints why nothing opened, where one would expect that something does */
export function openInBrowser(url: string, say: (line: string) => void): void {
  const isTerminal = process.stdout.isTTY === true
  const [program, ...words] =
    openCommand(url, { platform: process.platform, environment: process.env, isTerminal }) ?? []
  if (program === undefined) return
  const child = spawn(program, words, { stdio: 'ignore', detached: true })
  child.on('error', (cause) => say(`The notebook was not opened (${cause.message}); open its link yourself.`))
  child.unref()
}
