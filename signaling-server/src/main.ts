/**
 * The server on its own: `node --import tsx signaling-server/src/main.ts --port 29400 --session lab`. Prints
 * where it listens and the session's tokens, and runs until SIGINT or SIGTERM. Not for: serving pages.
 */
import { parseArgs } from 'node:util'
import { DEFAULT_MAIN_PORT, HandshakeSchema, RondoError } from '@rondo/protocol'
import * as v from 'valibot'
import { createSignalingServer } from './server.ts'

/** Exit codes: what a person typed, and everything else. */
const USAGE_ERROR = 2
const FAILURE = 1

function readFlags(args: string[]) {
  const { values } = parseArgs({
    args,
    options: {
      host: { type: 'string', default: '0.0.0.0' },
      port: { type: 'string', default: String(DEFAULT_MAIN_PORT) },
      session: { type: 'string', multiple: true, default: [] },
      'cors-origin': { type: 'string', multiple: true, default: [] },
      'require-token': { type: 'boolean', default: false },
    },
  })
  const port = Number(values.port)
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new RondoError(
      'BAD_ARGUMENT',
      `--port ${values.port} is no port. Give an integer from 0 (any free one) to 65535.`,
    )
  }
  for (const name of values.session) {
    if (v.is(HandshakeSchema.entries.session, name)) continue
    throw new RondoError('BAD_ARGUMENT', `--session ${name} is no name. Use 1 to 64 letters, digits and ._- only.`)
  }
  const wrong = values['cors-origin'].find((origin) => !URL.canParse(origin))
  if (wrong !== undefined) {
    throw new RondoError('BAD_ARGUMENT', `--cors-origin ${wrong} is no origin. Give one like https://lab.example.`)
  }
  return { ...values, port }
}

async function main(): Promise<void> {
  const flags = readFlags(process.argv.slice(2))
  const server = await createSignalingServer({
    host: flags.host,
    port: flags.port,
    corsOrigins: flags['cors-origin'],
    requireToken: flags['require-token'],
  })
  console.log(`Rondo signaling server at ${server.url}`)
  for (const name of new Set(flags.session)) {
    const { joinToken, controlToken } = await server.createSession(name)
    console.log(`session ${name}: join token ${joinToken}, control token ${controlToken}`)
  }
  const stop = () => {
    console.log('Closing.')
    server.close().catch(fail)
  }
  process.once('SIGINT', stop)
  process.once('SIGTERM', stop)
}

function fail(error: unknown): void {
  console.error(error instanceof Error ? error.message : error)
  const isUsage = error instanceof RondoError ? error.code === 'BAD_ARGUMENT' : error instanceof TypeError
  process.exitCode = isUsage ? USAGE_ERROR : FAILURE
}

main().catch(fail)
