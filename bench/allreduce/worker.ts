/** A rank of the bench: a real process group over the links its page makes, and the bare pipe beside it. */
import { createProcessGroup, type ProcessGroup } from '@rondo/collectives'
import { acceptLinks } from '@rondo/transport'
import type { GradientSteps } from '../fewer-bytes/gradient-steps.ts'
import {
  answerEchoes,
  measureEcho,
  measureExchange,
  measureRawReceive,
  measureRawSend,
  type RawPipe,
  rawChannelOpen,
} from '../raw-link.ts'
import type { WorkerTask } from './messages.ts'
import { RingOperands, stepsOfNewest } from './operands.ts'

let group: ProcessGroup | undefined
let pipe: RawPipe | undefined
const operands = new RingOperands()
let gradientSteps: GradientSteps | undefined

async function perform(task: WorkerTask): Promise<number> {
  switch (task.task) {
    case 'start': {
      const { rank, worldSize, generation, nodeLabels, places, timeoutMs, port, carrier } = task
      const links = await acceptLinks(port, { rank, worldSize, timeoutMs, signal: new AbortController().signal })
      for (const { peer, carrier: taken } of links.values()) {
        if (taken !== carrier) throw new Error(`the link to rank ${peer} is ${taken} instead of ${carrier}`)
      }
      group = await createProcessGroup({ rank, worldSize, generation, links, nodeLabels, places, timeoutMs })
      return 0
    }
    case 'pipe':
      pipe = task.pipe
      if (!(pipe instanceof MessagePort)) pipe.binaryType = 'arraybuffer'
      return 0
    case 'raw': {
      if (pipe === undefined) throw new Error('this rank has no bare pipe')
      const signal = AbortSignal.timeout(task.timeoutMs)
      if (!(pipe instanceof MessagePort)) await rawChannelOpen(pipe, signal)
      if (task.side === 'receive') {
        await measureRawReceive(pipe, task.primeBytes, { signal })
        await measureRawReceive(pipe, task.bytes, { signal })
        return 0
      }
      const { messageBytes } = task
      await measureRawSend(pipe, task.primeBytes, { messageBytes, signal })
      return (await measureRawSend(pipe, task.bytes, { messageBytes, signal })).ms
    }
    case 'ring':
      if (group === undefined) throw new Error('this rank is in no group')
      return operands.time(group, task.bytes, task.count, task.cold)
    case 'gradients': {
      if (group === undefined) throw new Error('this rank is in no group')
      // Only when asked for: it brings the whole engine.
      const { GradientSteps } = await import('../fewer-bytes/gradient-steps.ts')
      gradientSteps ??= new GradientSteps()
      return gradientSteps.time(group, task.choice, task.bytes, task.count)
    }
    case 'steps':
      if (group === undefined) throw new Error('this rank is in no group')
      return stepsOfNewest(group)
    case 'exchange': {
      if (pipe === undefined) throw new Error('this rank has no bare pipe')
      const signal = AbortSignal.timeout(task.timeoutMs)
      if (!(pipe instanceof MessagePort)) await rawChannelOpen(pipe, signal)
      return measureExchange(pipe, task.bytes, task.count, task.side === 'send', signal)
    }
    case 'echo': {
      if (pipe === undefined) throw new Error('this rank has no bare pipe')
      const signal = AbortSignal.timeout(task.timeoutMs)
      if (!(pipe instanceof MessagePort)) await rawChannelOpen(pipe, signal)
      if (task.side === 'send') return measureEcho(pipe, task.bytes, task.count, signal)
      await answerEchoes(pipe, task.count, signal)
      return 0
    }
    default:
      return task satisfies never
  }
}

globalThis.addEventListener('message', ({ data: { id, task } }: MessageEvent<{ id: number; task: WorkerTask }>) => {
  perform(task).then(
    (value) => postMessage({ id, value }),
    (error: Error & { code?: string }) => postMessage({ id, error: `${error.code ?? error.name}: ${error.message}` }),
  )
})
