/** The launch message of a run, made from what was asked for and from the bundled script. */
import { randomBytes } from 'node:crypto'
import type { RunConfig } from '@rondo/protocol'
import { forwardedVariables } from '../args/environment.ts'
import type { RunOptions } from '../args/run-options.ts'
import type { ScriptBundle } from '../assets/bundle.ts'

/** `20260131-142530-x7k2`: sorts by time, and two runs of one second differ. */
export function newRunId(now = new Date()): string {
  const two = (n: number): string => String(n).padStart(2, '0')
  const day = `${now.getFullYear()}${two(now.getMonth() + 1)}${two(now.getDate())}`
  const time = `${two(now.getHours())}${two(now.getMinutes())}${two(now.getSeconds())}`
  const tail = (randomBytes(4).readUInt32LE() % 36 ** 4).toString(36).padStart(4, '0')
  return `${day}-${time}-${tail}`
}

/** @param port of the server, for scripts that read MASTER_PORT */
export function runConfig(options: RunOptions, script: ScriptBundle, runId: string, port: number): RunConfig {
  return {
    runId,
    script: { name: script.name, url: `/runs/${runId}/script.js`, hash: script.hash },
    args: options.scriptArgs,
    ...(options.accelerator === undefined ? {} : { accelerator: options.accelerator }),
    ...(options.strategy === undefined ? {} : { strategy: options.strategy }),
    ...(options.precision === undefined ? {} : { precision: options.precision }),
    devices: options.devices,
    numNodes: options.numNodes,
    explicit: options.explicit,
    processGroupBackend: options.backend,
    startTimeoutSeconds: options.startTimeoutSeconds,
    stepTimeoutSeconds: options.stepTimeoutSeconds,
    debug: options.debug,
    ...(options.growable ? { growable: true } : {}),
    ...(options.timeline === undefined ? {} : { timeline: true }),
    env: {
      ...forwardedVariables(process.env),
      MASTER_ADDR: options.mainAddress,
      MASTER_PORT: String(port),
    },
  }
}
