/**
 * A failure in a person's words: what happened, to whom, what survived, what to do; and the technical
 * record for whoever wants it. Pure. Not for: recovering.
 */
import type { ErrorCode, WireError } from '@rondo/protocol'
import { formatCount, plural } from '@rondo/ui'
import type { RunProgress } from '@rondo/ui/session'
import type { JoinParams } from '../params.ts'

export interface Failure {
  /** One sentence: what, and who. */
  headline: string
  /** The error's own words. */
  message: string
  survived: string
  todo: string
  record: Array<[name: string, value: string]>
  stack: string | null
}

/** Explains the error that ended a run. */
export function explainFailure(run: RunProgress): Failure {
  const error = run.state.error ?? firstRankError(run) ?? UNKNOWN
  const who = whoOf(run, error)
  const steps = run.step
  return {
    headline: `${headline(error.code, who)}${steps > 0 ? ` The run ended at step ${formatCount(steps)}.` : ''}`,
    message: error.message,
    survived:
      steps > 0
        ? `Kept: the metrics of ${plural(steps, 'step')} and the report. Weights that were not saved are gone.`
        : 'Nothing was trained yet, so nothing is lost. The report is kept.',
    todo: whatToDo(error.code),
    record: recordOf(run, error),
    stack: error.stack ?? null,
  }
}

const UNKNOWN: WireError = {
  code: 'INTERNAL',
  name: 'Error',
  message: 'The server gave no reason. The terminal of the main machine may say more.',
}

function firstRankError(run: RunProgress): WireError | null {
  return Object.values(run.ranks).find((rank) => rank.error !== null)?.error ?? null
}

function whoOf(run: RunProgress, error: WireError): string {
  if (error.rank === undefined) return error.node === undefined ? '' : `node ${error.node}`
  const seat = run.state.seats.find((candidate) => candidate.rank === error.rank)
  const node = error.node ?? seat?.nodeLabel
  return `rank ${error.rank}${node === undefined ? '' : ` on ${node}`}`
}

function headline(code: ErrorCode, who: string): string {
  const someone = who === '' ? 'A rank' : who.replace(/^./, (first) => first.toUpperCase())
  const at = who === '' ? '' : ` in ${who}`
  switch (code) {
    case 'RANK_LOST':
    case 'CONNECTION_LOST':
      return `${someone} is gone.`
    case 'LINK_FAILED':
      return `${someone} could not be reached by the others.`
    case 'SCRIPT_FAILED':
    case 'RANK_FAILED':
      return `The script failed${at}.`
    case 'SCRIPT_NOT_FOUND':
      return 'The script could not be loaded.'
    case 'COLLECTIVE_MISMATCH':
      return `The ranks are at different points of the script${who === '' ? '' : `: ${who} called something else`}.`
    case 'PARAMETER_MISMATCH':
      return `The ranks built different models${who === '' ? '' : `: ${who} differs`}.`
    case 'TIMEOUT':
      return who === '' ? 'Something took too long.' : `${someone} did not answer in time.`
    case 'ACCELERATOR_UNAVAILABLE':
    case 'INSECURE_CONTEXT':
      return `The wanted accelerator is not there${at}.`
    case 'NOT_ENOUGH_DEVICES':
      return 'There were not enough ranks to start.'
    case 'ABORTED':
      return 'The run was cut off.'
    default:
      return `The run failed${at}.`
  }
}

function whatToDo(code: ErrorCode): string {
  switch (code) {
    case 'RANK_LOST':
    case 'CONNECTION_LOST':
      return 'Open the join link on that device again and keep its tab open, then start a new run.'
    case 'LINK_FAILED':
      return 'Check that both devices share a network, or start with --process-group-backend relay.'
    case 'SCRIPT_FAILED':
    case 'RANK_FAILED':
      return 'Correct the script where the record below points, then start again.'
    case 'SCRIPT_NOT_FOUND':
      return 'Check the path that was given to "rondo run" or "rondo serve", then start again.'
    case 'COLLECTIVE_MISMATCH':
    case 'PARAMETER_MISMATCH':
      return 'Look for code that depends on the rank or on chance before the model is set up, then start again.'
    case 'TIMEOUT':
      return 'See whether that device is asleep or overloaded; --timeout allows more time.'
    case 'ACCELERATOR_UNAVAILABLE':
    case 'INSECURE_CONTEXT':
      return 'Start with --accelerator auto, or open the page at localhost or over https.'
    case 'NOT_ENOUGH_DEVICES':
      return 'Invite more devices by the join link, or ask for fewer with --devices.'
    default:
      return 'Read the details below, then start again.'
  }
}

function recordOf(run: RunProgress, error: WireError): Failure['record'] {
  const record: Failure['record'] = [
    ['code', error.code],
    ['error', error.name],
    ['run', run.state.runId],
    ['generation', String(run.state.generation)],
    ['step', String(run.step)],
  ]
  if (error.rank !== undefined) record.push(['rank', String(error.rank)])
  if (error.node !== undefined) record.push(['node', error.node])
  for (const [name, value] of Object.entries(error.details ?? {})) {
    record.push([name, typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value))])
  }
  return record
}

/** Why the server will not have this page, and what to do about it. */
export function explainRefusal(error: WireError, params: JoinParams): { headline: string; todo: string } {
  switch (error.code) {
    case 'BAD_TOKEN':
      return {
        headline: params.token === '' ? 'The link lacks its token.' : 'The link’s token is not the right one.',
        todo: 'Ask for the join link again and open all of it: it ends in #token=…, which chat programs may cut off.',
      }
    case 'UNKNOWN_SESSION':
      return {
        headline: `There is no session ${params.session ?? ''} here.`,
        todo: 'It may have ended, or the server was started anew. Ask for a fresh join link.',
      }
    case 'SESSION_FULL':
      return { headline: 'The session is full.', todo: 'Wait until somebody leaves, then reload this page.' }
    default:
      return { headline: 'The server refused this page.', todo: error.message }
  }
}
