/**
 * Loaded into `rondo run` by `bench start`: notes when the browser is started and what pages ask for, by Node's own
 * diagnostics channels, so that the command itself is measured as it is.
 */
import { channel } from 'node:diagnostics_channel'
import { appendFileSync } from 'node:fs'

const file = process.env['RONDO_BENCH_MOMENTS']

function note(what) {
  appendFileSync(file, `${JSON.stringify({ what, at: performance.timeOrigin + performance.now() })}\n`)
}

note('loaded')
channel('child_process').subscribe(() => note('spawn'))
channel('http.server.request.start').subscribe(({ request }) => note(request.url.split(/[?#]/, 1)[0]))
