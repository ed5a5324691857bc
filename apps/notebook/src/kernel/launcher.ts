/**
 * How `fabric.launch`, `notebookLauncher` and `trainer.fit` get from a cell to ranks: the function and what it reaches
 * become a program, the page runs it, rank 0's value comes back. Not for: choosing devices (pool/).
 */
import type { Launcher, LaunchRequest } from '@rondo/fabric'
import type { CellKernel } from '@rondo/kernel'
import { decodeValue, forkFunction } from '@rondo/kernel/fork'
import type { SlotInfo } from './messages.ts'
import type { PageRequests } from './page-requests.ts'

export function createLauncher(kernel: () => CellKernel, execution: () => string, requests: PageRequests): Launcher {
  return {
    async launch(request: LaunchRequest) {
      const { fn, args, call, name, strategy, devices, accelerator, precision, processGroupBackend } = request
      const executionId = execution()
      const { resultCodecs, valueCodecs } = await import('./codecs.ts')
      const { scope } = kernel()
      const program = await forkFunction({ fn, args: [...args], scope, codecs: valueCodecs, call: `${call}(${name})` })
      const result = await requests.ask<ArrayBuffer>(
        executionId,
        {
          do: 'launch',
          program,
          options: { call, name, strategy, devices, accelerator, precision, processGroupBackend },
        },
        [program],
      )
      return decodeValue(result, { codecs: resultCodecs, names: scope.values })
    },
    async slots() {
      return (await requests.ask<SlotInfo[]>(execution(), { do: 'slots' })).length
    },
    list: () => requests.ask<SlotInfo[]>(execution(), { do: 'slots' }),
  }
}
