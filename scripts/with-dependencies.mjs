/**
 * The first command on a fresh clone: checks Node, installs what is missing and then runs the named
 * thing in this same process. Plain Node without dependencies, because none may be there yet.
 * Not for: anything that the command itself can do once the dependencies stand (packages/cli).
 */
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

/** Vite 8 and the test tools need this. */
const OLDEST_NODE = [20, 19]
const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..')
const LOCK = join(ROOT, 'package-lock.json')
/** npm's own record of what lies in node_modules. */
const INSTALLED = join(ROOT, 'node_modules', '.package-lock.json')
/** Digest of the lock file that node_modules was last found to match. */
const STAMP = join(ROOT, 'node_modules', '.rondo-lock-digest')

/** What may be named, and the file that does it. */
const PROGRAMS = {
  rondo: 'packages/cli/src/main.ts',
  bench: 'bench/main.ts',
  docs: 'docs/build.mjs',
  test: 'scripts/test.mjs',
}

function fail(sentence) {
  console.error(sentence)
  process.exit(1)
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  const [needMajor, needMinor] = OLDEST_NODE
  if (major > needMajor || (major === needMajor && minor >= needMinor)) return
  fail(
    `Rondo needs Node ${needMajor}.${needMinor} or newer, this is ${process.versions.node}: install a current Node from nodejs.org and run the command again.`,
  )
}

/** True if every package that the lock file wants for this platform lies in node_modules in that version. */
function matchesLock() {
  try {
    const wanted = JSON.parse(readFileSync(LOCK, 'utf8')).packages
    const present = JSON.parse(readFileSync(INSTALLED, 'utf8')).packages
    return Object.entries(wanted).every(([path, entry]) => {
      if (!path.includes('node_modules/') || entry.optional || entry.devOptional || entry.peer) return true
      if (entry.link) return existsSync(join(ROOT, path))
      return present[path]?.version === entry.version
    })
  } catch {
    return false
  }
}

function installIfNeeded() {
  const digest = createHash('sha256').update(readFileSync(LOCK)).digest('hex')
  if (existsSync(STAMP) && readFileSync(STAMP, 'utf8') === digest) return
  if (!matchesLock()) {
    console.error('Installing dependencies (only needed once) …')
    // `ci` refuses a lock file that lacks the optional packages of another platform; `install` adds them.
    if (!npm('ci', 'ignore') && !npm('install', 2)) {
      fail('npm could not install the dependencies: check the network, then run the command again.')
    }
  }
  writeFileSync(STAMP, digest)
}

function npm(verb, errors) {
  const args = [verb, '--no-audit', '--no-fund', '--loglevel=error']
  const script = process.env.npm_execpath
  const options = { cwd: ROOT, stdio: ['ignore', errors, errors] }
  const done =
    script?.endsWith('.js') || script?.endsWith('.cjs')
      ? spawnSync(process.execPath, [script, ...args], options)
      : spawnSync('npm', args, { ...options, shell: process.platform === 'win32' })
  return done.status === 0
}

/** Runs a tool of node_modules as a child; its signals and exit code are ours. */
function runTool(name, args) {
  const bin = join(ROOT, 'node_modules', '.bin', process.platform === 'win32' ? `${name}.cmd` : name)
  if (!existsSync(bin)) fail(`There is no tool "${name}" among the dependencies.`)
  const child = spawn(bin, args, { cwd: ROOT, stdio: 'inherit', shell: process.platform === 'win32' })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('exit', (code, signal) => process.exit(signal ? 1 : (code ?? 1)))
}

async function runProgram(name, args) {
  const file = PROGRAMS[name]
  const path = join(ROOT, file)
  process.argv = [process.execPath, path, ...args]
  if (name === 'rondo') {
    // Stacks keep the lines of the sources.
    process.setSourceMapsEnabled(true)
    const { compiledCommand } = await import('./compiled-command.mjs')
    await import(pathToFileURL(await compiledCommand(ROOT, file)).href)
    return
  }
  if (path.endsWith('.ts')) {
    const { register } = await import('tsx/esm/api')
    register()
  }
  await import(pathToFileURL(path).href)
}

checkNode()
const [name, ...args] = process.argv.slice(2)
installIfNeeded()
if (name === 'npx' && args[0]) runTool(args[0], args.slice(1))
else if (name in PROGRAMS) await runProgram(name, args)
else fail(`with-dependencies runs one of: ${Object.keys(PROGRAMS).join(', ')}, npx TOOL; got "${name ?? ''}".`)
