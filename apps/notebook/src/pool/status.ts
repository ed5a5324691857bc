/** `%dist_status`: asks every rank and gives the answers side by side. */
import type { DistStatus } from '../kernel/messages.ts'
import type { RankMessage } from '../rank/messages.ts'
import type { RankRun } from './rank-run.ts'

/** Milliseconds that a rank has to answer; one that computes without a pause is busy. */
const ANSWER_MS = 2_000

type Answer = Extract<RankMessage, { type: 'status' }>

let asked = 0

export async function askStatus(run: RankRun): Promise<DistStatus> {
  asked += 1
  const id = asked
  const answers = new Map<number, Answer>()
  const stop = run.listen({
    onEvent: () => {},
    onEnd: () => {},
    onMessage: (rank, message) => {
      if (message.type === 'status' && message.id === id) answers.set(rank, message)
    },
  })
  try {
    await run.command(null, { do: 'status', id })
    await run.until(() => answers.size === run.members.length, { timeoutMs: ANSWER_MS, what: () => '' })
  } catch {
    // Who did not answer is shown as such.
  } finally {
    stop()
  }
  const isGone = run.ended !== null
  return {
    ranks: run.seats.map((seat, rank) => {
      const answer = answers.get(rank)
      return {
        rank,
        node: seat.nodeLabel,
        adapter: answer?.adapter ?? '',
        alive: !isGone && (seat.state === 'running' || seat.state === 'starting'),
        busy: answer?.busy ?? true,
        memoryBytes: answer?.memoryBytes ?? null,
        lastLine: run.lastLine(rank),
      }
    }),
  }
}
