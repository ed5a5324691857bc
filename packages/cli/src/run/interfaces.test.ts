/** Which addresses `--interface` and the variables of other systems mean. */
import { expect, it } from 'vitest'
import { addressesOf, ownInterfaces } from './interfaces.ts'

const LAB = { lo: ['127.0.0.1', '::1'], eth0: ['192.0.2.2', 'fd00::2'], eth1: ['10.0.0.2'], ib0: ['10.1.0.2'] }

it.each([
  ['--interface', 'eth0', ['192.0.2.2', 'fd00::2']],
  ['--interface', '10.0.0.2', ['10.0.0.2']],
  ['GLOO_SOCKET_IFNAME', 'ib0', ['10.1.0.2']],
  ['NCCL_SOCKET_IFNAME', 'eth', ['192.0.2.2', 'fd00::2', '10.0.0.2']],
  ['NCCL_SOCKET_IFNAME', '=eth1', ['10.0.0.2']],
  ['NCCL_SOCKET_IFNAME', '^lo,eth', ['10.1.0.2']],
])('%s=%s', (source, value, addresses) => {
  expect(addressesOf({ source, value }, LAB)).toEqual(addresses)
})

it.each([
  ['--interface', 'eth9'],
  ['--interface', '10.9.9.9'],
  ['--interface', 'eth'],
  ['NCCL_SOCKET_IFNAME', '=eth'],
])('refuses %s=%s with the interfaces that there are', (source, value) => {
  expect(() => addressesOf({ source, value }, LAB)).toThrow(/no network interface.*eth0 \(192\.0\.2\.2, fd00::2\)/)
})

it('knows the interfaces of this machine', () => {
  expect(Object.values(ownInterfaces()).flat().length).toBeGreaterThan(0)
})
