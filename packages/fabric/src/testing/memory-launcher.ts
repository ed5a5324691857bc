/** A launcher whose ranks run in this thread over memory links, as a notebook's do in workers. For tests only. */
import { onTestFinished } from 'vitest'
import { callLaunched } from '../launch/call.ts'
import { type LaunchRequest, setLauncher } from '../launch/launcher.ts'
import { runRanks } from './ranks.ts'

export interface MemoryLauncher {
  requests: LaunchRequest[]
  slots: number
}

/** Installed until the test ends. Arguments cross as JSON, so that what is no plain data does not arrive. */
export function memoryLauncher(slots = 4): MemoryLauncher {
  const made: MemoryLauncher = { requests: [], slots }
  setLauncher({
    slots: async () => made.slots,
    async launch(request) {
      made.requests.push(request)
      const { fn, args, devices } = request
      const ranks = devices === 'auto' ? made.slots : typeof devices === 'number' ? devices : devices.length
      const results = await runRanks(
        ranks,
        ({ context }) => callLaunched(fn, JSON.parse(JSON.stringify(args)), context).catch(named(context.group.rank)),
        { job: 'launch' },
      )
      return results[0]
    },
  })
  onTestFinished(() => setLauncher(null))
  return made
}

function named(rank: number): (error: unknown) => never {
  return (error) => {
    throw Object.assign(error instanceof Error ? error : new Error(String(error)), { rank })
  }
}
