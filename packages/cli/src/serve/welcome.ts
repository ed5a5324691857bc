/** The addresses of a session as a person needs them: the notebook, joining from here and elsewhere, a QR code. */
import color from 'picocolors'
import { renderUnicodeCompact } from 'uqr'
import { lanAddresses } from '../run/addresses.ts'
import type { Screen } from '../terminal/screen.ts'

/** Modules of margin: scanners ask for four, two do in a terminal. */
const QUIET_ZONE = 2

export interface JoinAddress {
  port: number
  session: string
  joinToken: string
}

export interface NotebookAddress extends JoinAddress {
  controlToken: string
}

/** The link by which a browser joins; `lan` tells a local page which address to pass on to others. */
export function joinLink({ port, session, joinToken }: JoinAddress, host: string, lan?: string): string {
  const url = new URL(`http://${host}:${port}/join/`)
  url.searchParams.set('session', session)
  if (lan !== undefined) url.searchParams.set('lan', `http://${lan}:${port}`)
  url.hash = `token=${joinToken}`
  return url.href
}

/**
 * The notebook's link. It lets its owner start runs, so it is printed for this machine alone, and both tokens sit
 * in the fragment, which browsers never send anywhere.
 */
export function notebookLink({ port, session, joinToken, controlToken }: NotebookAddress, lan?: string): string {
  const url = new URL(`http://localhost:${port}/notebook/`)
  url.searchParams.set('session', session)
  if (lan !== undefined) url.searchParams.set('lan', `http://${lan}:${port}`)
  url.hash = `control=${controlToken}&token=${joinToken}`
  return url.href
}

/** What `rondo serve` says first. Returns the notebook's link. */
export function sayWhereToGo(screen: Screen, address: NotebookAddress & { script: string }): string {
  const [lan] = lanAddresses()
  const notebook = notebookLink(address, lan)
  screen.line(`\n${color.bold('Rondo')}\n`)
  screen.line(`  Notebook          ${color.cyan(notebook)}`)
  screen.line(color.dim('                    yours alone: whoever has this link can run code on every device\n'))
  screen.line(`  Take part         ${color.cyan(joinLink(address, 'localhost', lan))}`)
  screen.line(color.dim(`                    its Start button runs ${address.script}`))
  if (lan === undefined) {
    screen.line('  Other machines    none can reach this one: it has no network address\n')
    return notebook
  }
  sayInvite(screen, address)
  screen.line('Open that link on every device that should take part. Ctrl-C ends.\n')
  return notebook
}

/** The link for other machines, also as a QR code. */
export function sayInvite(screen: Screen, address: JoinAddress): void {
  for (const lan of lanAddresses().slice(0, 1)) {
    const url = joinLink(address, lan)
    screen.line(`  Other machines    ${color.cyan(url)}\n`)
    screen.line(renderUnicodeCompact(url, { border: QUIET_ZONE }))
  }
}
