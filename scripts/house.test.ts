/**
 * The rules of the house that no compiler checks: which room may import which, that only the engine knows tfjs,
 * how long a file may be, that every index is curated, and that nothing of one machine is written down.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseAst } from 'vite'
import { describe, expect, it } from 'vitest'

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..')
/** Lines of a file; past this it is two rooms. */
const MAX_LINES = 350

/** What each room may import, besides itself. Rows as in ARCHITECTURE.md: only from rows below one's own. */
const ROWS: readonly (readonly string[])[] = [
  ['protocol'],
  ['transport', 'engine', 'data'],
  ['collectives'],
  ['strategies', 'loggers'],
  ['fabric', 'trainer'],
  ['rondo', 'kernel'],
  ['cli', 'notebook', 'join', 'e2e', 'bench', 'examples'],
]
/** Arrows that the rows do not give, with the reason. */
const EXTRA: Readonly<Record<string, readonly string[]>> = {
  trainer: ['fabric'], // the Trainer is written on top of Fabric
  cli: ['signaling-server'], // embeds it
  e2e: ['signaling-server', 'cli', 'notebook', 'examples'], // starts the real things, the notebook's ranks also without its views
  bench: ['signaling-server', 'cli', 'examples'], // measures the nets that people start from
  join: ['ui'],
  notebook: ['ui', 'kernel'],
  'signaling-server': ['protocol'],
  ui: ['protocol'], // widgets show what the protocol's types hold
}
/** Arrows of tests and their fixtures alone: the server is tested with the client that everybody uses. */
const TEST_EXTRA: Readonly<Record<string, readonly string[]>> = { 'signaling-server': ['transport'] }
const TEST_CODE = /\.test\.tsx?$|\/testing\//
/** The kernel imports nothing of ours: the app injects what cells see. */
const ALONE = new Set(['kernel', 'ui', 'signaling-server'])
/** The only rooms whose code may name tfjs. */
const TFJS_ROOMS = new Set(['engine', 'examples'])

const SKIPPED_FOLDERS = new Set(['node_modules', 'dist', 'runs', 'test-results', 'playwright-report', '.git', '.cache'])

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return SKIPPED_FOLDERS.has(entry.name) ? [] : filesBelow(path)
    return [relative(ROOT, path).split(sep).join('/')]
  })
}

const FILES = filesBelow(ROOT)
const SOURCES = FILES.filter((path) => /\.tsx?$/.test(path) && !path.endsWith('.d.ts'))

/** The room a file lies in; undefined for scripts and configuration at the root. */
function roomOf(path: string): string | undefined {
  const [first, second] = path.split('/')
  if (first === 'packages' || first === 'apps') return second
  return ['signaling-server', 'e2e', 'bench', 'examples'].find((room) => room === first)
}

/** The room that an import leads to; undefined for libraries and for files of the same room. */
function roomOfImport(from: string, specifier: string): string | undefined {
  if (specifier === 'rondo') return 'rondo'
  const own = /^@rondo\/(?:app-)?([\w-]+)/.exec(specifier)?.[1]
  if (own !== undefined) return own
  if (!specifier.startsWith('.')) return undefined
  return roomOf(
    relative(ROOT, resolve(ROOT, dirname(from), specifier))
      .split(sep)
      .join('/'),
  )
}

const parsed = new Map<string, string[]>()

/** Every specifier that a file imports or re-exports, type imports and dynamic ones included. */
function importsOf(path: string): string[] {
  const known = parsed.get(path)
  if (known !== undefined) return known
  const lang = path.endsWith('x') ? 'tsx' : 'ts'
  const found: string[] = []
  const visit = (node: unknown): void => {
    if (Array.isArray(node)) {
      for (const item of node) visit(item)
    } else if (typeof node === 'object' && node !== null) {
      const { type, source } = node as { type?: string; source?: { value?: unknown } | null }
      const imports = /^(Import(Declaration|Expression)|Export(Named|All)Declaration|TSImportType)$/
      if (type !== undefined && imports.test(type) && typeof source?.value === 'string') found.push(source.value)
      for (const value of Object.values(node)) visit(value)
    }
  }
  visit(parseAst(readFileSync(join(ROOT, path), 'utf8'), { lang }, path).body)
  parsed.set(path, found)
  return found
}

function mayImport(from: string, to: string): boolean {
  if (from === to || EXTRA[from]?.includes(to) === true) return true
  if (ALONE.has(from)) return false
  const row = ROWS.findIndex((rooms) => rooms.includes(from))
  const below = ROWS.findIndex((rooms) => rooms.includes(to))
  return row !== -1 && below !== -1 && below < row
}

describe('the house', () => {
  it('has sources to look at', () => {
    expect(SOURCES.length).toBeGreaterThan(100)
  })

  it('lets every room import only from rows below its own', () => {
    const wrong = SOURCES.flatMap((path) => {
      const room = roomOf(path)
      if (room === undefined) return []
      return importsOf(path).flatMap((specifier) => {
        const to = roomOfImport(path, specifier)
        const forTests = TEST_CODE.test(path) && to !== undefined && TEST_EXTRA[room]?.includes(to) === true
        return to === undefined || forTests || mayImport(room, to)
          ? []
          : [`${path}: ${room} must not import ${to} (${specifier})`]
      })
    })
    expect(wrong).toEqual([])
  })

  it('lets only the engine and example scripts name tfjs', () => {
    const wrong = SOURCES.filter((path) => {
      const room = roomOf(path)
      if (room === undefined || TFJS_ROOMS.has(room) || path.startsWith('e2e/scripts/')) return false
      return importsOf(path).some((specifier) => specifier.startsWith('@tensorflow/'))
    })
    expect(wrong).toEqual([])
  })

  it('keeps every file short', () => {
    const long = SOURCES.map((path) => ({ path, lines: readFileSync(join(ROOT, path), 'utf8').split('\n').length - 1 }))
    expect(long.filter(({ lines }) => lines > MAX_LINES)).toEqual([])
  })

  it('curates every index file', () => {
    const wrong = SOURCES.filter((path) => /\/index\.tsx?$/.test(path)).filter((path) =>
      /^\s*export\s*\*/m.test(readFileSync(join(ROOT, path), 'utf8')),
    )
    expect(wrong).toEqual([])
  })

  it('writes down no address of a package registry in the lock file', () => {
    expect(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')).not.toMatch(/"resolved":\s*"https?:/)
  })

  it('writes down no path of one machine', () => {
    const text = FILES.filter((path) => /\.(tsx?|mjs|json|md|html|css)$/.test(path) && path !== 'package-lock.json')
    // Spelled in pieces, so that this file does not find itself.
    const machine = new RegExp(
      `(?<![\\w.])/(?:${['wo' + 'rk/', 'ho' + 'me/\\w', 'Us' + 'ers/\\w', 'ro' + 'ot/'].join('|')})`,
    )
    expect(text.filter((path) => machine.test(readFileSync(join(ROOT, path), 'utf8')))).toEqual([])
  })
})
