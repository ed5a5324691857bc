/** The addresses of a session as a person needs them: here, from other machines, and as a QR code. */
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

/** The link by which a browser joins; `lan` tells a local page which address to pass on to others. */
export function joinLink({ port, session, joinToken }: JoinAddress, host: string, lan?: string): string {
  const url = new URL(`http://${host}:${port}/join/`)
  url.searchParams.set('session', session)
  if (lan !== undefined) url.searchParams.set('lan', `http://${lan}:${port}`)
  url.hash = `token=${joinToken}`
  return url.href
}

/** What `rondo serve` says first. */
export function sayWhereToJoin(screen: Screen, address: JoinAddress & { script: string }): void {
  const [lan] = lanAddresses()
  screen.line(`\n${color.bold('Rondo')} offers ${address.script}\n`)
  screen.line(`  On this machine   ${color.cyan(joinLink(address, 'localhost', lan))}`)
  if (lan === undefined) {
    screen.line('  Other machines    none can reach this one: it has no network address\n')
    return
  }
  sayInvite(screen, address)
  screen.line('Open the link in one browser window per device, then press Start on the page. Ctrl-C ends.\n')
}

/** The link for other machines, also as a QR code. */
export function sayInvite(screen: Screen, address: JoinAddress): void {
  for (const lan of lanAddresses().slice(0, 1)) {
    const url = joinLink(address, lan)
    screen.line(`  Other machines    ${color.cyan(url)}\n`)
    screen.line(renderUnicodeCompact(url, { border: QUIET_ZONE }))
  }
}
