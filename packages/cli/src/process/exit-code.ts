/** Which error ends the command with which code: usage 2, a rank's own code, everything else 1. */
import { RondoError, type WireError } from '@rondo/protocol'

/** Codes by which a command says that it was called wrongly, before any work began. */
const USAGE_CODES: ReadonlySet<string> = new Set([
  'BAD_ARGUMENT',
  'BAD_DEVICES',
  'SCRIPT_NOT_FOUND',
  'NODE_RANK_TAKEN',
  'PLAN_MISMATCH',
  'UNSUPPORTED',
])

/** Of an error that the command itself met. */
export function exitCodeOfError(thrown: unknown): number {
  return thrown instanceof RondoError && USAGE_CODES.has(thrown.code) ? 2 : 1
}

/** Of a run that failed: the code the failing rank chose, else 1. */
export function exitCodeOfRun(error: WireError | null): number {
  const chosen = error?.details?.['exitCode']
  return typeof chosen === 'number' && Number.isInteger(chosen) && chosen >= 1 && chosen <= 255 ? chosen : 1
}
