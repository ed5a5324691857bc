/** A rank of the bench: owns one link and sends or receives on it as fast as it goes. */
import { acceptLinks, type Link } from '@rondo/transport'
import type { Transfer, TransferFigures, WorkerTask } from './messages.ts'

/** Bytes of the words between transfers; frames of a transfer are full ones. */
const WORD_BYTES = 1
/** Round trips of which the fastest counts. */
const PROBES = 5

let link: Link | undefined

/** The next frame for which `take` says that it is enough. */
function receive(from: Link, timeoutMs: number, take: (frame: Uint8Array) => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    const late = () => reject(new Error(`nothing came to an end within ${timeoutMs / 1_000} s`))
    const timer = setTimeout(late, timeoutMs)
    from.onEnd = ({ reason }) => reject(new Error(`the link ended: ${reason}`))
    from.onFrame = (frame) => {
      if (!take(frame)) return
      clearTimeout(timer)
      from.onFrame = null
      resolve()
    }
  })
}

const word = (timeoutMs: number, to: Link) => receive(to, timeoutMs, (frame) => frame.byteLength === WORD_BYTES)

async function send(to: Link, { ms, timeoutMs }: Transfer): Promise<TransferFigures> {
  await word(timeoutMs, to)
  let roundTripMs = Number.POSITIVE_INFINITY
  for (let i = 0; i < PROBES; i++) {
    const began = performance.now()
    const answered = word(timeoutMs, to)
    await to.send(new Uint8Array(WORD_BYTES))
    await answered
    roundTripMs = Math.min(roundTripMs, performance.now() - began)
  }
  const frame = new Uint8Array(to.maxFrameBytes)
  const began = performance.now()
  while (performance.now() - began < ms) {
    frame.fill(1)
    await to.send(frame)
  }
  const answered = word(timeoutMs, to)
  await to.send(new Uint8Array(WORD_BYTES))
  await answered
  return { rates: [], connections: to.connections ?? 1, roundTripMs }
}

async function receiveAll(from: Link, { partMs, timeoutMs }: Transfer): Promise<TransferFigures> {
  for (let i = 0; i <= PROBES; i++) {
    if (i > 0) await word(timeoutMs, from)
    await from.send(new Uint8Array(WORD_BYTES))
  }
  const rates: number[] = []
  let began: number | undefined
  let bytes = 0
  await receive(from, timeoutMs, (frame) => {
    if (frame.byteLength === WORD_BYTES) return true
    const now = performance.now()
    began ??= now
    bytes += frame.byteLength
    if (now - began >= partMs) {
      rates.push((bytes * 1_000) / (now - began))
      began = now
      bytes = 0
    }
    return false
  })
  await from.send(new Uint8Array(WORD_BYTES))
  return { rates, connections: from.connections ?? 1, roundTripMs: Number.NaN }
}

async function perform(task: WorkerTask): Promise<TransferFigures | null> {
  if (task.task === 'accept') {
    const { rank, port, timeoutMs } = task
    const links = await acceptLinks(port, { rank, worldSize: 2, timeoutMs, signal: new AbortController().signal })
    link = [...links.values()][0]
    return null
  }
  if (!link) throw new Error('this rank has no link')
  return task.task === 'send' ? send(link, task) : receiveAll(link, task)
}

globalThis.addEventListener('message', ({ data }: MessageEvent<WorkerTask>) => {
  perform(data).then(
    (value) => postMessage({ value }),
    (error: Error) => postMessage({ error: error.message }),
  )
})
