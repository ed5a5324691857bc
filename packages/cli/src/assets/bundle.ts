/**
 * A user's script and what it imports as one ES module for rank workers. `rondo` and tfjs stay outside and
 * become the addresses of the runtime, so that script and runtime share one copy of each.
 */
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { basename, dirname, extname, resolve } from 'node:path'
import { RondoError } from '@rondo/protocol'
import type { Plugin } from 'vite'
import { shownPath } from '../paths.ts'

const RONDO_URL = '/runtime/rondo.js'
const TFJS_URL = '/runtime/tfjs.js'
/** The tfjs packages whose names the runtime's tfjs module offers together. */
const TFJS_PACKAGES = /^@tensorflow\/tfjs(-core|-layers|-data|-converter)?$/

/** What the bundler takes as a program. */
const SCRIPT_ENDINGS: readonly string[] = ['.ts', '.tsx', '.mts', '.js', '.jsx', '.mjs']

export interface ScriptBundle {
  /** File name, for people. */
  name: string
  /** Absolute path of the entry. */
  path: string
  /** ES module with an inline source map whose sources are relative to the working folder. */
  code: string
  /** The source map alone, to turn stack frames back into the person's lines. */
  map: SourceMapPayload
  /** SHA-256, hex, of the entry's source: what nodes compare. */
  hash: string
}

export interface SourceMapPayload {
  version: number
  sources: string[]
  names: string[]
  mappings: string
  sourcesContent?: Array<string | null>
}

/**
 * Finds a script from the working folder, or from where npm was called.
 * @throws SCRIPT_NOT_FOUND naming the absolute path
 */
export function findScript(script: string): string {
  const places = [process.cwd(), process.env['INIT_CWD']].filter((place) => place !== undefined)
  const found = places
    .map((place) => resolve(place, script))
    .find((path) => existsSync(path) && statSync(path).isFile())
  if (found !== undefined && SCRIPT_ENDINGS.includes(extname(found))) return found
  if (found !== undefined) {
    throw new RondoError(
      'BAD_ARGUMENT',
      `SCRIPT is ${script}, which is no script: its name must end in ${SCRIPT_ENDINGS.join(', ')}. Give the path of such a file.`,
    )
  }
  throw new RondoError(
    'SCRIPT_NOT_FOUND',
    `SCRIPT is ${script}, but there is no file ${resolve(script)}. Give the path of a .ts or .js file that exists.`,
  )
}

export interface BundleOptions {
  /** Refuses files that must not become part of the bundle; by absolute path, links resolved. */
  mayRead?: (path: string) => boolean
}

/**
 * @param path absolute path of the entry
 * @throws SCRIPT_FAILED with file:line:column for a syntax error or an import that leads nowhere
 */
export async function bundleScript(path: string, options: BundleOptions = {}): Promise<ScriptBundle> {
  const { build } = await import('vite')
  const output = await build({
    configFile: false,
    root: dirname(path),
    logLevel: 'silent',
    publicDir: false,
    define: { 'process.env.NODE_ENV': '"production"' },
    plugins: [runtimeAddresses(), ...(options.mayRead ? [confinedTo(options.mayRead)] : [])],
    build: {
      write: false,
      target: 'es2023',
      minify: false,
      sourcemap: 'hidden',
      lib: { entry: path, formats: ['es'], fileName: 'script' },
      rolldownOptions: { output: { codeSplitting: false } },
    },
  }).catch((thrown: unknown) => {
    throw bundleError(path, thrown)
  })
  const chunk = [output].flat().flatMap((result) => ('output' in result ? result.output : []))[0]
  if (chunk?.type !== 'chunk' || !chunk.map)
    throw new Error('invariant violation: a script bundles to one chunk with a map')
  const map: SourceMapPayload = {
    version: 3,
    // Vite counts from its output folder, people from where they are.
    sources: chunk.map.sources.map((source) => shownPath(resolve(dirname(path), 'dist', source))),
    names: chunk.map.names,
    mappings: chunk.map.mappings,
    ...(chunk.map.sourcesContent ? { sourcesContent: chunk.map.sourcesContent } : {}),
  }
  const inline = Buffer.from(JSON.stringify(map)).toString('base64')
  return {
    name: basename(path),
    path,
    code: `${chunk.code}\n//# sourceMappingURL=data:application/json;base64,${inline}\n`,
    map,
    hash: scriptHash(path),
  }
}

/** SHA-256, hex, of the entry's source. */
export function scriptHash(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex')
}

function runtimeAddresses(): Plugin {
  return {
    name: 'rondo-runtime-addresses',
    enforce: 'pre',
    resolveId(id, importer) {
      if (id === 'rondo') return { id: RONDO_URL, external: true }
      if (TFJS_PACKAGES.test(id)) return { id: TFJS_URL, external: true }
      if (!id.startsWith('@rondo/')) return null
      throw new RondoError(
        'SCRIPT_FAILED',
        `${importer ? shownPath(importer) : 'The script'} imports "${id}", an inner part of Rondo. Import from "rondo" instead.`,
      )
    },
  }
}

/** Looks at each file before it is read, wherever the import came from. */
function confinedTo(mayRead: (path: string) => boolean): Plugin {
  return {
    name: 'rondo-confined',
    enforce: 'pre',
    load(id) {
      const path = id.replace(/[?#].*$/, '')
      // What the bundler makes up itself has no file.
      if (path.startsWith('\0') || !existsSync(path) || mayRead(realpathSync(path))) return null
      throw new RondoError(
        'SCRIPT_FAILED',
        `${shownPath(path)} lies outside of what may be imported. Keep what cells import in the folder where the server was started, not hidden and not in node_modules.`,
      )
    },
  }
}

/** Rolldown draws its messages with colours and frames; people need file, place and reason on one line. */
function bundleError(path: string, thrown: unknown): RondoError {
  const errors = (thrown as { errors?: Array<{ message: string }> }).errors ?? [{ message: String(thrown) }]
  const lines = errors.map(({ message }) => {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are control characters
    const plain = message.replace(/\u001B\[[\d;]*m/g, '')
    const place = /\[ (.+?:\d+:\d+) \]/.exec(plain)?.[1] ?? shownPath(path)
    const reason = (plain.split('\n')[0] ?? plain).replace(/^\[[^\]]*\]\s*/, '').replace(/^Error: /, '')
    return `${place}: ${reason}`
  })
  return new RondoError(
    'SCRIPT_FAILED',
    `The script ${shownPath(path)} could not be read:\n  ${lines.join('\n  ')}\nCorrect the line and run it again.`,
    { cause: thrown },
  )
}
