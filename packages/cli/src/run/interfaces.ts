/**
 * `--interface`, and the variables that stand for it: which of this machine's addresses WebRTC may use. Not for: keeping
 * it to them (transport's ice-addresses.ts, and the browser, which must show its addresses).
 */
import { networkInterfaces } from 'node:os'
import { RondoError } from '@rondo/protocol'

/** Interfaces by name, with their addresses. */
export type Interfaces = Readonly<Record<string, readonly string[]>>

/** Who asked, and for what. */
export interface InterfaceWish {
  /** `--interface`, GLOO_SOCKET_IFNAME or NCCL_SOCKET_IFNAME. */
  source: string
  value: string
}

export function ownInterfaces(): Interfaces {
  return Object.fromEntries(
    Object.entries(networkInterfaces()).map(([name, entries]) => [name, (entries ?? []).map(({ address }) => address)]),
  )
}

/**
 * The addresses that a wish means. A flag takes a name or an address; the variables take what NCCL takes: beginnings of
 * names parted by commas, after `=` whole names, after `^` those to leave out.
 * @throws BAD_ARGUMENT naming the interfaces of this machine
 */
export function addressesOf({ source, value }: InterfaceWish, interfaces: Interfaces): string[] {
  const all = Object.values(interfaces).flat()
  const wanted = value.trim()
  const found =
    source === '--interface'
      ? (interfaces[wanted] ?? all.filter((address) => address === wanted))
      : Object.entries(interfaces).flatMap(([name, addresses]) => (matches(wanted, name) ? addresses : []))
  if (found.length > 0) return [...found]
  const known = Object.entries(interfaces).map(([name, addresses]) => `${name} (${addresses.join(', ')})`)
  throw new RondoError(
    'BAD_ARGUMENT',
    `${source}=${value}: no network interface of this machine is meant. There are ${known.join('; ')}. Give a name or an address of these, or leave it out.`,
  )
}

function matches(spec: string, name: string): boolean {
  const excludes = spec.startsWith('^')
  const exact = spec.startsWith('=') || spec.startsWith('^=')
  const parts = spec.replace(/^\^?=?/, '').split(',')
  const meant = parts.some((part) => (exact ? name === part.trim() : name.startsWith(part.trim())))
  return excludes ? !meant : meant
}
