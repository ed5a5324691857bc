/**
 * `npm test`: lint, dead code, types, documentation of the public names, unit and server tests, the build, and the
 * browser tests, in this order. Each step is announced with the time it took; the first failure ends it. Not for:
 * installing (with-dependencies.mjs).
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..')
const BIN = join(ROOT, 'node_modules', '.bin')
const RONDO = [process.execPath, '--import', 'tsx', join(ROOT, 'packages/cli/src/main.ts')]
const results = mkdtempSync(join(tmpdir(), 'rondo-test-'))
const unitResults = join(results, 'unit.json')
const browserResults = join(results, 'browser.json')

const tool = (name, ...args) => [join(BIN, process.platform === 'win32' ? `${name}.cmd` : name), ...args]

/** `count` reads how many tests passed and failed; a step without one counts as a single check. */
const steps = [
  { name: 'lint', command: tool('biome', 'check', '--error-on-warnings', '.') },
  { name: 'dead code', command: tool('knip', '--no-progress', '--no-config-hints') },
  { name: 'types, browser code', command: tool('tsc', '-p', 'tsconfig.json') },
  { name: 'types, Node code', command: tool('tsc', '-p', 'tsconfig.node.json') },
  { name: 'documentation of the public names', command: [process.execPath, join(ROOT, 'docs/build.mjs'), '--check'] },
  {
    name: 'unit and server tests',
    command: tool('vitest', 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${unitResults}`),
    count: () => {
      const { numPassedTests, numFailedTests } = readJson(unitResults)
      return { passed: numPassedTests, failed: numFailedTests }
    },
  },
  { name: 'build', command: [...RONDO, 'build'] },
  {
    name: 'browser tests',
    command: tool('playwright', 'test', '--reporter=list,json'),
    count: () => {
      const { expected, flaky, unexpected } = readJson(browserResults).stats
      return { passed: expected + flaky, failed: unexpected }
    },
  },
]

let running = null
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => running?.kill(signal))

const total = { passed: 0, failed: 0 }
const began = performance.now()
const environment = { ...process.env, PLAYWRIGHT_JSON_OUTPUT_NAME: browserResults }
let failedStep = null
try {
  environment.CHROME_PATH ||= (await output([...RONDO, 'browser'])).trim()
  for (const step of steps) {
    console.log(`\n▶ ${step.name}`)
    const started = performance.now()
    const code = await run(step.command)
    const counted = countOf(step, code)
    total.passed += counted.passed
    total.failed += counted.failed
    console.log(`${code === 0 ? '✔' : '✘'} ${step.name} (${seconds(started)})`)
    if (code === 0) continue
    failedStep = step.name
    break
  }
} finally {
  rmSync(results, { recursive: true, force: true })
}
if (failedStep !== null) console.log(`\nStopped at: ${failedStep}`)
console.log(`\n${total.passed} passed, ${total.failed} failed (${seconds(began)})`)
process.exit(failedStep === null ? 0 : 1)

function run([program, ...args]) {
  return new Promise((done) => {
    running = spawn(program, args, {
      cwd: ROOT,
      stdio: 'inherit',
      env: environment,
      shell: process.platform === 'win32',
    })
    running.on('error', () => done(1))
    running.on('exit', (code) => done(code ?? 1))
  })
}

function output([program, ...args]) {
  return new Promise((done, fail) => {
    let text = ''
    running = spawn(program, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] })
    running.stdout.on('data', (chunk) => {
      text += chunk
    })
    running.on('error', fail)
    running.on('exit', (code) => (code === 0 ? done(text) : process.exit(1)))
  })
}

function countOf(step, code) {
  try {
    const counted = step.count?.()
    if (counted !== undefined) return code !== 0 && counted.failed === 0 ? { ...counted, failed: 1 } : counted
  } catch {
    // The step ended before it could write its results.
  }
  return code === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 }
}

function readJson(path) {
  return JSON.parse(readFileSync(path, 'utf8'))
}

function seconds(since) {
  return `${((performance.now() - since) / 1000).toFixed(1)} s`
}
