/** The rank worker of the link tests: takes its links and runs one side of the link contract on them. */
import { acceptLinks, type Link, type LinkEnd } from '@rondo/transport'
import { linkContract } from '@rondo/transport/link-contract'
import type { LinkFacts, WorkerTask } from './links-messages.ts'

let links = new Map<number, Link>()
const ends = new Map<number, Promise<LinkEnd & { at: number }>>()

const facts = ({
  carrier,
  maxFrameBytes,
  closed,
  copies = false,
  candidateType = null,
  connections,
}: Link): LinkFacts => ({
  carrier,
  maxFrameBytes,
  closed,
  copies,
  candidateType,
  connections: connections ?? null,
})

async function perform(task: WorkerTask): Promise<unknown> {
  if (task.task === 'accept') {
    const { rank, worldSize, timeoutMs, port } = task
    links = await acceptLinks(port, { rank, worldSize, timeoutMs, signal: new AbortController().signal })
    return Object.fromEntries([...links].map(([peer, link]) => [peer, facts(link)]))
  }
  const link = links.get(task.peer)
  if (!link) throw new Error(`no link to rank ${task.peer}`)
  switch (task.task) {
    case 'contract':
      return linkContract(task.largeBytes)
        .find(({ name }) => name === task.name)
        ?.[task.side](link)
    case 'end':
      if (!ends.has(task.peer)) {
        ends.set(
          task.peer,
          new Promise((resolve) => {
            link.onEnd = (end) => resolve({ ...end, at: Date.now() })
          }),
        )
      }
      return ends.get(task.peer)
    case 'stats':
      return { ...link.stats, ...facts(link) }
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
