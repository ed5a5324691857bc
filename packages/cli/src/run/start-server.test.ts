/** Busy ports: told whose they are, moved only when the person did not choose. Real servers on real ports. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { SignalingServer } from '@rondo/signaling-server'
import { afterEach, describe, expect, it } from 'vitest'
import { exitCodeOfError, exitCodeOfRun } from '../process/exit-code.ts'
import { newRunId } from './config.ts'
import { whatIsMissing } from './main-node.ts'
import { probe, startServer } from './start-server.ts'
import { joinUrl } from './tabs.ts'

const open: Array<{ close(): unknown }> = []
afterEach(async () => {
  for (const server of open.splice(0)) await server.close()
})

async function start(port: number, mayMove: boolean, lines: string[] = []): Promise<SignalingServer> {
  const server = await startServer({
    host: '127.0.0.1',
    port,
    mayMove,
    requestHandler: (_, response) => response.end(),
    say: (line) => lines.push(line),
  })
  open.push(server)
  return server
}

describe('a busy port', () => {
  it('of another Rondo server moves the run on, with a line', async () => {
    const first = await start(0, false)
    const lines: string[] = []
    const second = await start(first.port, true, lines)
    expect(second.port).toBeGreaterThan(first.port)
    expect(lines.join()).toContain(`Port ${first.port} belongs to another Rondo server; using ${second.port}`)
  })

  it('that was chosen is refused, naming the session and the ways out', async () => {
    const first = await start(0, false)
    await first.createSession('lab')
    const refused = start(first.port, false)
    await expect(refused).rejects.toMatchObject({ code: 'PORT_IN_USE', details: { sessions: ['lab'] } })
    await expect(refused).rejects.toThrow(/session lab.*--main-port.*--session/)
  })

  it('of a stranger is refused even where it might move', async () => {
    const stranger: Server = createServer((_, response) => response.end('hello'))
    await new Promise<void>((resolve) => stranger.listen(0, '127.0.0.1', resolve))
    open.push(stranger)
    const { port } = stranger.address() as AddressInfo
    expect(await probe(port)).toBeNull()
    await expect(start(port, true)).rejects.toThrow(/another program listens/)
  })
})

it('writes the address by which a tab joins by itself', () => {
  const plan = {
    origin: 'http://localhost:1234',
    session: 'lab',
    joinToken: 'a/b',
    nodeId: 'n',
    label: 'my host',
    server: 'http://192.0.2.1:29400',
    iceAddresses: ['192.0.2.1', 'fd00::1'],
  }
  const url = new URL(joinUrl(plan, 1))
  expect(url.origin).toBe('http://localhost:1234')
  expect(Object.fromEntries(url.searchParams)).toEqual({
    session: 'lab',
    auto: '1',
    node: 'n',
    label: 'my host',
    first: '1',
    slots: '1',
    ice: '192.0.2.1,fd00::1',
    server: 'http://192.0.2.1:29400',
  })
  expect(url.hash).toBe('#token=a%2Fb')
})

it('names runs by time, and never twice', () => {
  const at = new Date(2026, 0, 2, 3, 4, 5)
  expect(newRunId(at)).toMatch(/^20260102-030405-[0-9a-z]{4}$/)
  expect(new Set(Array.from({ length: 50 }, () => newRunId(at))).size).toBeGreaterThan(45)
})

it('opens what the code asks for where no flag says how many, and nothing else', () => {
  const error = (option: string, wanted: number) => ({
    code: 'NOT_ENOUGH_DEVICES' as const,
    name: 'RondoError',
    message: 'm',
    details: { option, wanted },
  })
  const unset = { explicit: [], devices: 1, numNodes: 1 }
  expect(whatIsMissing(error('devices', 4), unset)).toEqual({ devices: 4 })
  expect(whatIsMissing(error('numNodes', 2), unset)).toEqual({ numNodes: 2 })
  expect(whatIsMissing(error('devices', 4), { ...unset, explicit: ['devices'] })).toBeNull()
  expect(whatIsMissing(error('devices', 1), { ...unset, devices: 2 })).toBeNull()
  expect(whatIsMissing(error('devices', 100_000), unset)).toBeNull()
  expect(whatIsMissing({ code: 'SCRIPT_FAILED', name: 'E', message: 'm' }, unset)).toBeNull()
})

it('chooses the exit code', () => {
  expect(exitCodeOfError(new Error('x'))).toBe(1)
  const error = { code: 'SCRIPT_FAILED' as const, name: 'E', message: 'm' }
  expect(exitCodeOfRun(error)).toBe(1)
  expect(exitCodeOfRun({ ...error, details: { exitCode: 7 } })).toBe(7)
  expect(exitCodeOfRun({ ...error, details: { exitCode: 0 } })).toBe(1)
  expect(exitCodeOfRun({ ...error, details: { exitCode: 900 } })).toBe(1)
})
