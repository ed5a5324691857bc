/**
 * The `rondo` command as plain JavaScript, compiled when its sources have changed and kept beside the dependencies.
 * Loading TypeScript module by module takes over a second at every start; this takes half of one, once.
 * Not for: what browsers get (vite.config.ts), or anything that is published.
 */
import { createHash, randomUUID } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'

/** Compiled versions that stay: a command that still runs may load a part of its own later. */
const KEPT = 4

/**
 * @param root of the checkout
 * @param entry the command's source, relative to `root`
 * @returns path of the module to import
 */
export async function compiledCommand(root, entry) {
  const cache = join(root, 'node_modules', '.cache', 'rondo-command')
  const list = join(cache, 'sources.json')
  const known = existsSync(list) ? JSON.parse(readFileSync(list, 'utf8')) : []
  const present = join(cache, digestOf(root, known), 'main.js')
  if (existsSync(present)) return present
  const { sources, files } = await compile(root, entry)
  const folder = join(cache, digestOf(root, sources))
  // A name of its own first: two commands may start at once.
  const draft = join(cache, randomUUID())
  mkdirSync(draft, { recursive: true })
  for (const { name, text } of files) writeFileSync(join(draft, name), text)
  writeFileSync(`${draft}.json`, JSON.stringify(sources))
  if (!existsSync(folder)) renameSync(draft, folder)
  else rmSync(draft, { recursive: true })
  renameSync(`${draft}.json`, list)
  forgetOldOnes(cache)
  return join(folder, 'main.js')
}

/** SHA-256, hex, of names and contents; of a list that names a file that is gone it is nobody's. */
function digestOf(root, sources) {
  const digest = createHash('sha256')
  for (const source of sources) {
    const path = join(root, source)
    digest.update(`${source}\0${existsSync(path) ? readFileSync(path) : 'gone'}\0`)
  }
  return digest.digest('hex').slice(0, 32)
}

async function compile(root, entry) {
  const { build } = await import('vite')
  const modules = []
  const built = await build({
    configFile: false,
    root,
    logLevel: 'error',
    publicDir: false,
    // Not the modules of the result: one that only gives constants is no longer there.
    plugins: [
      {
        name: 'rondo-sources',
        buildEnd() {
          modules.push(...this.getModuleIds())
        },
      },
    ],
    ssr: { noExternal: [/^@rondo\//, 'rondo'] },
    build: {
      write: false,
      ssr: true,
      target: 'node20',
      minify: false,
      sourcemap: true,
      rolldownOptions: {
        input: { main: join(root, entry) },
        output: { format: 'es', entryFileNames: '[name].js', chunkFileNames: '[name]-[hash].js' },
      },
    },
  })
  const files = built.output.map((file) => ({ name: file.fileName, text: file.code ?? file.source }))
  const ours = modules.filter((id) => existsSync(id))
  const manifests = ours.map((id) => manifestOf(root, id))
  const sources = [...new Set([...ours, ...manifests, join(root, 'package-lock.json')])]
  return { files, sources: sources.map((path) => relative(root, path)).sort() }
}

/** The package.json that says how others import this file. */
function manifestOf(root, path) {
  for (let folder = dirname(path); folder.length > root.length; folder = dirname(folder)) {
    if (existsSync(join(folder, 'package.json'))) return join(folder, 'package.json')
  }
  return join(root, 'package.json')
}

function forgetOldOnes(cache) {
  const folders = readdirSync(cache, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => ({ path: join(cache, name), since: statSync(join(cache, name)).mtimeMs }))
  for (const { path } of folders.sort((a, b) => b.since - a.since).slice(KEPT)) rmSync(path, { recursive: true })
}
