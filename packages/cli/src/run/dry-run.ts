/**
 * `--dry-run`: what a run would start, as lines. Looks at the port and for a browser, and starts neither server nor
 * browser nor tab. Not for: the start-up report of a run that goes on (terminal/banner.ts).
 */
import { rankEnvironment } from '@rondo/fabric/environment'
import { emptySeats, RondoError } from '@rondo/protocol'
import type { RunOptions } from '../args/run-options.ts'
import { findBrowser } from '../browser/find.ts'
import { machineSearch } from '../browser/install.ts'
import { browserCommand } from '../browser/launch.ts'
import { shownPath } from '../paths.ts'
import { runConfig } from './config.ts'
import { addressesOf, ownInterfaces } from './interfaces.ts'
import { portToUse } from './start-server.ts'

/** Variables that differ from rank to rank; the others are told once. */
const OF_A_RANK = ['RANK', 'LOCAL_RANK', 'NODE_RANK', 'GROUP_RANK', 'ROLE_RANK']

export interface DryRun {
  options: RunOptions
  /** Absolute path of the script. */
  script: string
  /** `rondo run` or `rondo exec`. */
  command: string
  /** True where this machine would start the server. */
  isMain: boolean
}

/** @throws PORT_IN_USE as the run itself would */
export async function dryRunLines(plan: DryRun): Promise<string[]> {
  const { options, script, command, isMain } = plan
  const rows: Array<[string, string]> = []
  const port = isMain ? await portToUse(options.mainPort, options.numNodes === 1 && !options.mainPortGiven) : null
  const host = options.mainAddress
  rows.push([
    'server',
    port === null
      ? `http://${host}:${options.mainPort}, dialled until --timeout (${options.startTimeoutSeconds} s)`
      : `http://${options.numNodes === 1 ? 'localhost' : host}:${port}, started on this machine${port === options.mainPort ? '' : ` (${options.mainPort} belongs to another Rondo server)`}`,
  ])
  rows.push(['session', options.session])
  const rank = options.nodeRank ?? (options.numNodes === 1 ? 0 : null)
  rows.push(['nodes', `${options.numNodes}; this one is ${rank === null ? 'numbered by the server' : `node ${rank}`}`])
  rows.push(['devices', `${options.devices} on this node, each in a window of its own`])
  const world = options.devices * options.numNodes
  rows.push([
    'ranks',
    `${world} = ${options.devices} × ${options.numNodes}${world === 1 ? '' : ' where every node brings as many'}`,
  ])
  rows.push(['accelerator', options.accelerator ?? 'left to the script, else auto'])
  rows.push(['strategy', options.strategy ?? 'left to the script, else auto'])
  rows.push(['precision', options.precision ?? 'left to the script, else 32-true'])
  rows.push(['link backend', options.backend])
  if (options.interface !== undefined) {
    rows.push(['addresses', `${addressesOf(options.interface, ownInterfaces()).join(', ')}, for WebRTC`])
  }
  if (options.udpPorts !== undefined) rows.push(['UDP ports', `${options.udpPorts}, for WebRTC`])
  rows.push(['script', shownPath(script)])
  rows.push(['arguments', options.scriptArgs.length === 0 ? 'none' : options.scriptArgs.map(quoted).join(' ')])
  rows.push(['browser', await browserText(options)])
  rows.push(...environmentRows(options, script, port ?? options.mainPort))
  const width = Math.max(...rows.map(([name]) => name.length))
  return [
    `${command} would start this, and has started nothing:`,
    ...rows.map(([name, text]) => `  ${name.padEnd(width)}  ${text}`),
  ]
}

async function browserText({ browser, headed, interface: wish }: RunOptions): Promise<string> {
  const search = machineSearch(() => undefined, false)
  try {
    const executablePath = await findBrowser(browser, search)
    return browserCommand({ executablePath, headed, showsAddresses: wish !== undefined, softwareWebGpu: false })
      .map(quoted)
      .join(' ')
  } catch (thrown) {
    if (thrown instanceof RondoError) return `none here: ${thrown.message}`
    throw thrown
  }
}

/** What all ranks see once, then what each has of its own. */
function environmentRows(options: RunOptions, script: string, port: number): Array<[string, string]> {
  const bundle = {
    name: shownPath(script),
    path: script,
    hash: '',
    code: '',
    map: { version: 3, sources: [], names: [], mappings: '' },
  }
  const config = runConfig(options, bundle, 'dry-run', port)
  const seats = emptySeats(new Array<number>(options.numNodes).fill(options.devices))
  const environments = seats.map((seat) => Object.entries(rankEnvironment(config, seats, seat.rank)))
  const text = (entries: ReadonlyArray<[string, unknown]>): string =>
    entries.flatMap(([name, value]) => (typeof value === 'string' ? [`${name}=${quoted(value)}`] : [])).join(' ')
  const own = (name: string): boolean => OF_A_RANK.includes(name)
  return [
    ['every rank', text((environments[0] ?? []).filter(([name]) => !own(name)))],
    ...environments.map((entries, rank): [string, string] => [
      `rank ${rank}`,
      text(entries.filter(([name]) => own(name))),
    ]),
  ]
}

/** As a shell would need it. */
function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
}
