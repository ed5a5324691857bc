/**
 * Entry of a rank worker: waits for `init`, makes links and process group, runs the user's script, reports the
 * outcome. It is loaded as a classic part of the runtime build, so that scripts share its modules.
 */
import { captureConsole } from './console.ts'
import type { FromRank, ToRank } from './messages.ts'
import { RankProgram } from './program.ts'

const scope = self as unknown as {
  onmessage: ((message: MessageEvent<ToRank>) => void) | null
  onerror: ((message: unknown, source?: string, line?: number, column?: number, error?: unknown) => boolean) | null
  onunhandledrejection: ((rejection: PromiseRejectionEvent) => void) | null
  postMessage(message: FromRank, transfer?: Transferable[]): void
}

let program: RankProgram | null = null

scope.onmessage = ({ data }) => {
  switch (data.type) {
    case 'init': {
      const emit: RankProgram['emit'] = (event) => scope.postMessage({ type: 'event', event })
      captureConsole(emit)
      const give =
        (type: 'file' | 'download') =>
        (name: string, bytes: Uint8Array<ArrayBuffer>): void =>
          scope.postMessage({ type, name, bytes: bytes.buffer }, [bytes.buffer])
      program = new RankProgram(data, emit, { handOver: give('file'), download: give('download') })
      void program.run()
      break
    }
    case 'grow':
      program?.grown(data)
      break
    case 'stop':
      program?.stop(data.error, data.reason)
      break
    case 'command':
      program?.command(data)
      break
    default:
      data satisfies never
  }
}

// What a script throws outside its awaited path (a timer, a forgotten promise) fails the rank too.
scope.onerror = (message, _source, _line, _column, error) => {
  program?.fail(error ?? new Error(String(message)))
  return true
}
scope.onunhandledrejection = (rejection) => {
  rejection.preventDefault()
  program?.fail(rejection.reason)
}
