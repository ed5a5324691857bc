/** What cells may import, and what each refusal says to do. */
import { afterEach, describe, expect, it, vi } from 'vitest'
import { createImporter, localModules } from './imports.ts'

const rondo = { name: 'rondo' }
const tfjs = { name: 'tfjs' }
const load = createImporter({
  origin: 'http://localhost:9',
  token: 'T',
  rondo: async () => rondo,
  tfjs: async () => tfjs,
})

afterEach(() => vi.unstubAllGlobals())

/** A server that answers each path with a status and a text. */
function serve(answers: Record<string, [status: number, text: string, hash?: string]>) {
  const asked: string[] = []
  vi.stubGlobal('fetch', async (address: URL | string) => {
    const url = new URL(address)
    asked.push(url.pathname + url.search)
    const [status, text, hash = ''] = answers[url.pathname] ?? [404, 'nothing']
    return new Response(text, { status, headers: { 'x-rondo-hash': hash } })
  })
  return asked
}

describe('an import', () => {
  it('of Rondo or tfjs is the runtime’s own module', async () => {
    expect(await load('rondo')).toBe(rondo)
    for (const name of ['@tensorflow/tfjs', '@tensorflow/tfjs-core']) expect(await load(name)).toBe(tfjs)
  })

  it.each([
    ['lodash', /https:\/\/esm\.sh\/lodash/],
    ['@rondo/engine', /Import from "rondo"/],
    ['../secret.ts', /leads out of the folder/],
    ['./a/../../secret.ts', /leads out of the folder/],
  ])('of %s is refused with the way out', async (specifier, message) => {
    await expect(load(specifier)).rejects.toMatchObject({
      code: 'BAD_ARGUMENT',
      message: expect.stringMatching(message),
    })
  })

  it('from a host that is not allowed says which are, and how to allow it', async () => {
    serve({ '/notebook/settings.json': [200, JSON.stringify({ importHosts: ['esm.sh', 'unpkg.com'] })] })
    await expect(load('https://evil.example/x.js')).rejects.toThrow(
      /evil\.example are not allowed \(allowed: esm\.sh, unpkg\.com\).*--allow-import evil\.example/,
    )
    await expect(load('http://esm.sh/x.js')).rejects.toThrow(/only https/)
    await expect(load('data:text/javascript,export{}')).rejects.toThrow(/only https/)
  })

  it('of a file asks for it with the token, and repeats what the server says against it', async () => {
    const asked = serve({ '/modules/lib/a.ts': [422, 'lib/a.ts:3:1: Unexpected token\n'] })
    await expect(load('./lib/a.ts')).rejects.toThrow('import "./lib/a.ts": lib/a.ts:3:1: Unexpected token')
    await expect(load('/lib/a.ts')).rejects.toThrow(/Unexpected token/)
    expect(asked).toEqual(['/modules/lib/a.ts?token=T', '/modules/lib/a.ts?token=T'])
  })
})

it('finds the files that code names', () => {
  const code = `import { a } from './a.ts'\nimport "./b.js"; const c = await import( '/c.mjs' )\nimport x from 'rondo'\nimport {a as d} from './a.ts'`
  expect(localModules(code)).toEqual(['./a.ts', './b.js', '/c.mjs'])
})
