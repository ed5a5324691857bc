/** This machine's own addresses. */
import { lookup } from 'node:dns/promises'
import { networkInterfaces } from 'node:os'

/** IPv4 addresses by which other machines reach this one, the likely ones first. */
export function lanAddresses(): string[] {
  const all = Object.entries(networkInterfaces()).flatMap(([name, entries]) =>
    (entries ?? []).flatMap((entry) =>
      entry.family === 'IPv4' && !entry.internal ? [{ name, address: entry.address }] : [],
    ),
  )
  // Bridges of containers and virtual machines are reachable from this machine only.
  const isBridge = (name: string): boolean => /^(docker|br-|veth|virbr|vmnet|cni)/.test(name)
  return all.sort((a, b) => Number(isBridge(a.name)) - Number(isBridge(b.name))).map(({ address }) => address)
}

/** True if a host name or address means this machine. */
export async function isThisMachine(host: string): Promise<boolean> {
  if (host === 'localhost' || host.startsWith('127.') || host === '::1') return true
  const own = new Set(
    Object.values(networkInterfaces()).flatMap((entries) => (entries ?? []).map((entry) => entry.address)),
  )
  const found = await lookup(host, { all: true }).catch(() => [])
  return found.some(({ address }) => own.has(address) || address.startsWith('127.') || address === '::1')
}
