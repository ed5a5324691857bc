/**
 * `/modules/…`: files of the folder in which the server was started, bundled as modules for cells. Nothing outside
 * of that folder, no hidden file and no dependency is ever served. A device that only takes part gets what the
 * notebook itself has imported, and nothing else.
 */
import { createHash } from 'node:crypto'
import { realpath, stat } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { extname, join, relative, sep } from 'node:path'
import { RondoError } from '@rondo/protocol'
import { bundleScript } from '../assets/bundle.ts'
import { reply } from './reply.ts'
import type { Grant, SessionAccess } from './session-access.ts'

/** What may be imported by a cell. */
const ENDINGS: readonly string[] = ['.js', '.mjs', '.ts']
/** Pieces of a path: letters, digits and `._-`, none starting with a dot. */
const PIECE = /^(?!\.)[\w.-]{1,100}$/
/** Bundles kept, so that looking at a module and importing it bundles it once. */
const MAX_KEPT = 32
/** Header that names the content; an importer adds it to the address, so that an edit is a new module. */
const HASH_HEADER = 'X-Rondo-Hash'

export class ModuleServer {
  readonly #access: SessionAccess
  /** Relative paths that whoever controls the session has imported. */
  readonly #opened = new Set<string>()
  readonly #kept = new Map<string, string>()

  constructor(access: SessionAccess) {
    this.#access = access
  }

  /** @param path decoded path of the request, e.g. `/modules/lib/helper.ts` */
  async serve(path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method !== 'GET' && request.method !== 'HEAD') return reply(response, 405, 'Modules take GET.')
    const query = new URL(request.url ?? '/', 'http://host').searchParams
    const grant = this.#access.grants(query.get('token') ?? request.headers['x-rondo-token'])
    if (grant === null) {
      return reply(response, 403, 'files beside the notebook need its session: open the link printed in the terminal.')
    }
    const name = path.slice('/modules/'.length)
    const file = await this.#find(name)
    if (typeof file === 'string') return reply(response, 404, file)
    if (!this.#mayHave(grant, file.name)) {
      return reply(response, 403, `${name} was not imported by the notebook itself. Import it in a plain cell first.`)
    }
    const hash = query.get('hash') ?? ''
    const code = this.#kept.get(`${file.name} ${hash}`) ?? (await this.#bundle(file, response))
    if (code === null) return
    const content = createHash('sha256').update(code).digest('hex')
    this.#keep(`${file.name} ${content}`, code)
    response.writeHead(200, {
      'Content-Type': 'text/javascript; charset=utf-8',
      'Content-Length': Buffer.byteLength(code),
      'Cache-Control': 'no-store',
      [HASH_HEADER]: content,
    })
    response.end(request.method === 'HEAD' ? undefined : code)
  }

  /** @returns the file, or the sentence why there is none */
  async #find(name: string): Promise<{ name: string; path: string } | string> {
    const pieces = name.split('/')
    if (!pieces.every((piece) => PIECE.test(piece)) || pieces.includes('node_modules')) {
      return `${name.slice(0, 200)} is not a path that can be imported: pieces of letters, digits and ._- parted by /, none hidden, none of node_modules.`
    }
    if (!ENDINGS.includes(extname(name))) return `${name} must end in ${ENDINGS.join(', ')}. Write the ending out.`
    const root = await realpath(this.#access.folder)
    const path = await realpath(join(root, ...pieces)).catch(() => null)
    const isFile = path !== null && (await stat(path)).isFile()
    if (path === null || !isFile || !isInside(root, path)) {
      return `there is no file ${name} in ${this.#access.folder}, where the server was started.`
    }
    return { name: relative(root, path).split(sep).join('/'), path }
  }

  #mayHave(grant: Grant, name: string): boolean {
    if (grant === 'control') this.#opened.add(name)
    return this.#opened.has(name)
  }

  async #bundle(file: { path: string }, response: ServerResponse): Promise<string | null> {
    try {
      const root = await realpath(this.#access.folder)
      return (await bundleScript(file.path, { mayRead: (path) => isInside(root, path) })).code
    } catch (thrown) {
      reply(response, 422, thrown instanceof RondoError ? thrown.message : `it could not be bundled: ${String(thrown)}`)
      return null
    }
  }

  #keep(key: string, code: string): void {
    this.#kept.delete(key)
    this.#kept.set(key, code)
    const [oldest] = this.#kept.keys()
    if (this.#kept.size > MAX_KEPT && oldest !== undefined) this.#kept.delete(oldest)
  }
}

/** True for a path below the folder with no hidden piece and no dependency on the way. */
function isInside(root: string, path: string): boolean {
  const inner = relative(root, path)
  if (inner === '' || inner.startsWith('..') || inner.startsWith(sep)) return false
  return inner.split(sep).every((piece) => !piece.startsWith('.') && piece !== 'node_modules')
}
