/** One output of a cell as nbformat 4 stores it. Unknown MIME types of other kernels pass through untouched. */
import type { MimeBundle } from '@rondo/kernel/output'
import type { CellOutput } from '../notebook.ts'
import { fromLines, isJsonMime } from './lines.ts'
import { isRecord, type Problems, type Unknown } from './unknown.ts'

/** null when nothing of it can be shown; `name` is how a sentence calls it. */
export function readOutput(value: unknown, name: string, problems: Problems): CellOutput | null {
  const output = isRecord(value) ? read(value) : null
  if (output === null) problems.push(`${name} is not an output that the format knows and is left out.`)
  return output
}

function read(value: Unknown): CellOutput | null {
  switch (value['output_type']) {
    case 'stream': {
      const text = fromLines(value['text'])
      const name = value['name']
      // The format allows other names; they come back as they were.
      return text === null || typeof name !== 'string' ? null : { kind: 'stream', name: name as 'stdout', text }
    }
    case 'display_data':
      return isRecord(value['data'])
        ? { kind: 'display', data: joinBundle(value['data']), metadata: recordOf(value['metadata']), displayId: null }
        : null
    case 'execute_result': {
      const count = value['execution_count']
      return isRecord(value['data'])
        ? {
            kind: 'result',
            data: joinBundle(value['data']),
            metadata: recordOf(value['metadata']),
            executionCount: typeof count === 'number' ? count : null,
          }
        : null
    }
    case 'error': {
      const { ename, evalue, traceback } = value
      const lines = Array.isArray(traceback) ? traceback.filter((line) => typeof line === 'string') : []
      return { kind: 'error', name: String(ename), message: String(evalue), traceback: lines, error: null }
    }
    default:
      return null
  }
}

/** A MIME bundle with its lists of lines joined; JSON values stay as they are. */
export function joinBundle(bundle: Unknown): MimeBundle {
  return Object.fromEntries(
    Object.entries(bundle).map(([mime, data]) => [mime, isJsonMime(mime) ? data : (fromLines(data) ?? data)]),
  )
}

function recordOf(value: unknown): Record<string, unknown> {
  return isRecord(value) ? { ...value } : {}
}
