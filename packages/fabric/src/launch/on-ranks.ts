/**
 * Handing a function to the launcher: checks it, packs the header, and names what happens. Used by `fabric.launch`,
 * `notebookLauncher` and whatever fits on many ranks from one call. Not for: the ranks' side (call.ts).
 */
import { RondoError } from '@rondo/protocol'
import { callerRandomness } from '../jobs/jobs.ts'
import type { LaunchHeader } from './call.ts'
import { currentLauncher, type LaunchFunction, type LaunchRequest } from './launcher.ts'

export interface OnRanksOptions {
  call: string
  /** How people know the function; its own name by default. */
  name?: string
  devices: LaunchRequest['devices']
  strategy: string
  accelerator?: string | null
  precision?: string | null
  processGroupBackend?: LaunchRequest['processGroupBackend']
  /** The function gets a Fabric before `args`. */
  passFabric: boolean
}

/** A function of the caller's, or the name under which a library registered one (`registerLaunchable`). */
export type Launched = LaunchFunction | { launchable: string }

/** Runs `launched` on ranks and resolves with rank 0's result. UNSUPPORTED where nobody can start ranks. */
export async function launchOnRanks(
  launched: Launched,
  args: readonly unknown[],
  options: OnRanksOptions,
): Promise<unknown> {
  const { call, devices, strategy, processGroupBackend = 'auto' } = options
  // What everybody gets anyway is not said, so that launches which mean the same look the same.
  const accelerator = options.accelerator === 'auto' ? null : (options.accelerator ?? null)
  const precision = options.precision === '32-true' ? null : (options.precision ?? null)
  const launcher = currentLauncher()
  if (launcher === null) {
    throw new RondoError(
      'UNSUPPORTED',
      `${call}: nobody here can start ranks. Call it in a cell of Rondo's notebook ("npm start"), or write a script and start it with "rondo run --devices N SCRIPT".`,
    )
  }
  const isFunction = typeof launched === 'function'
  const header: LaunchHeader = {
    rondo: 'launch',
    fabric: options.passFabric ? { strategy, accelerator, precision } : null,
    launchable: isFunction ? null : launched.launchable,
    randomness: callerRandomness(),
  }
  return launcher.launch({
    fn: isFunction ? launched : () => undefined,
    args: [...args, header],
    call,
    name: options.name ?? (isFunction ? launched.name || 'a function' : launched.launchable),
    strategy,
    devices,
    accelerator,
    precision,
    processGroupBackend,
  })
}
