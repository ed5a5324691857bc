/**
 * What a cell may import, and from where: Rondo and tfjs from the runtime, files beside the notebook, and https
 * modules of the hosts that the server allows. Used by the kernel and by the ranks, so that both load the same.
 */
import { RondoError } from '@rondo/protocol'

/** Names that are Rondo's copy of tfjs, whichever of its packages is asked for. */
const TFJS = /^@tensorflow\/tfjs(-core|-layers|-data|-converter)?$/
/** Milliseconds for a file of the served folder to be bundled and sent. */
const MODULE_TIMEOUT_MS = 30_000
/** Header in which the server names the content of a module: an edited file is a new module. */
const HASH_HEADER = 'x-rondo-hash'

export interface ImportRules {
  /** Origin of the server that the page came from. */
  origin: string
  /** Join or control token; empty without a session. */
  token: string
  /** Loads Rondo itself; the caller prepares the device before it resolves. */
  rondo(): Promise<object>
  tfjs(): Promise<object>
}

/** Which part of the runtime a specifier means, null for none. */
export function libraryOf(specifier: string): 'rondo' | 'tfjs' | null {
  if (specifier === 'rondo') return 'rondo'
  return TFJS.test(specifier) ? 'tfjs' : null
}

/** @throws RondoError BAD_ARGUMENT saying what may be imported and how to allow more */
export function createImporter(rules: ImportRules): (specifier: string) => Promise<object> {
  let hosts: Promise<readonly string[]> | null = null
  return async (specifier) => {
    const library = libraryOf(specifier)
    if (library !== null) return rules[library]()
    if (/^\.{0,2}\//.test(specifier)) return importFile(specifier, rules)
    if (URL.canParse(specifier)) {
      hosts ??= allowedHosts(rules.origin).catch((thrown: unknown) => {
        hosts = null
        throw thrown
      })
      return importRemote(specifier, await hosts)
    }
    throw refused(
      specifier,
      specifier.startsWith('@rondo/')
        ? 'it is an inner part of Rondo. Import from "rondo" instead.'
        : `a cell can import "rondo", "@tensorflow/tfjs", files beside the notebook ("./helper.ts") and https addresses. For an npm package write "https://esm.sh/${specifier}".`,
    )
  }
}

/** Files beside the notebook that a cell's code names, for ranks that are about to run it. */
export function localModules(code: string): string[] {
  return [
    ...new Set(
      [...code.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*["'](\.{0,2}\/[^"']+)["']/g)].flatMap(([, name]) => name ?? []),
    ),
  ]
}

async function importRemote(specifier: string, hosts: readonly string[]): Promise<object> {
  const url = new URL(specifier)
  if (url.protocol !== 'https:') throw refused(specifier, 'only https addresses can be imported. Use one.')
  if (!hosts.includes(url.host)) {
    const allowed = hosts.length > 0 ? hosts.join(', ') : 'none'
    throw refused(
      specifier,
      `modules of ${url.host} are not allowed (allowed: ${allowed}). If you trust them, start the server with "npm start -- --allow-import ${url.host}".`,
    )
  }
  try {
    return (await import(/* @vite-ignore */ url.href)) as object
  } catch (cause) {
    throw loadFailed(specifier, cause)
  }
}

/** A file of the folder in which the server was started; bundled there, so that it may import its neighbours. */
async function importFile(specifier: string, { origin, token }: ImportRules): Promise<object> {
  // A notebook lies at the top of the served folder: "/x", "./x" and "x" are the same, "../x" leaves it.
  const path = specifier.replace(/^(\.?\/)+/, '')
  if (path.split('/').includes('..')) throw refused(specifier, 'it leads out of the folder that the server serves.')
  const address = new URL(`/modules/${path}`, origin)
  if (token !== '') address.searchParams.set('token', token)
  let answer: Response
  try {
    answer = await fetch(address, { cache: 'no-store', signal: AbortSignal.timeout(MODULE_TIMEOUT_MS) })
  } catch (cause) {
    throw loadFailed(specifier, cause)
  }
  const text = await answer.text()
  if (!answer.ok) throw refused(specifier, text.trim())
  address.searchParams.set('hash', answer.headers.get(HASH_HEADER) ?? '')
  try {
    return (await import(/* @vite-ignore */ address.href)) as object
  } catch (cause) {
    // What the module itself throws while it is loaded is the person's own error.
    if (cause instanceof Error && !/dynamically imported module/.test(cause.message)) throw cause
    throw loadFailed(specifier, cause)
  }
}

async function allowedHosts(origin: string): Promise<readonly string[]> {
  const answer = await fetch(new URL('/notebook/settings.json', origin), {
    signal: AbortSignal.timeout(MODULE_TIMEOUT_MS),
  })
  const settings = answer.ok ? ((await answer.json()) as { importHosts?: unknown }) : {}
  const { importHosts } = settings
  return Array.isArray(importHosts) ? importHosts.filter((host) => typeof host === 'string') : []
}

function refused(specifier: string, why: string): RondoError {
  return new RondoError('BAD_ARGUMENT', `import "${specifier}": ${why}`, { details: { specifier } })
}

function loadFailed(specifier: string, cause: unknown): RondoError {
  const why = cause instanceof Error ? cause.message : String(cause)
  return new RondoError(
    'BAD_ARGUMENT',
    `import "${specifier}": it could not be loaded (${why}). Check the address and the network, then run the cell again.`,
    { details: { specifier }, cause },
  )
}
