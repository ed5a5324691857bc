/** What the browser says when storage fails, as errors for people. */
import { RondoError } from '@rondo/protocol'

export type StorageProblem = 'quota' | 'denied' | 'other'

export function storageError(error: unknown): RondoError {
  if (error instanceof RondoError) return error
  const name = error instanceof Error ? error.name : ''
  const reason: StorageProblem =
    name === 'QuotaExceededError'
      ? 'quota'
      : name === 'SecurityError' || name === 'NotAllowedError'
        ? 'denied'
        : 'other'
  return new RondoError('STORAGE_FAILED', SENTENCES[reason], { details: { reason }, cause: error })
}

const SENTENCES: Readonly<Record<StorageProblem, string>> = {
  quota:
    "This browser's storage is full, so the notebook is not saved. Download it as a file, or delete notebooks that you no longer need.",
  denied:
    'This browser does not let the page store anything (a private window, or site data is blocked). Download the notebook as a file to keep it.',
  other: 'The browser could not store the notebook. Download it as a file to be safe, then reload the page.',
}

export function conflictError(name: string): RondoError {
  return new RondoError(
    'CONFLICT',
    `"${name}" was changed in another tab or window. Load that version, or keep this one as a copy.`,
  )
}
