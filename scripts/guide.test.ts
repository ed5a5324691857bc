/**
 * The code of the guide compiles: all TypeScript blocks of a page, one after another, are a module that the compiler
 * accepts with the types of `rondo` as a user's editor sees them. And the links of all pages lead somewhere.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..')
const GUIDE = join(ROOT, 'docs', 'guide')
/** Below the root, so that the blocks find the workspace's packages. */
const CHECKED = join(ROOT, 'dist', `guide-${process.pid}`)
/** The compiler reads the types of TensorFlow.js and of all rooms; on two busy cores that takes a while. */
const COMPILER_TIMEOUT_MS = 120_000

const PAGES = readdirSync(GUIDE).filter((name) => name.endsWith('.md'))

const ALL_PAGES = [
  'README.md',
  'ARCHITECTURE.md',
  ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md') && !name.includes('node_modules'))
    .map((name) => `docs/${name.split(sep).join('/')}`),
]

function codeOf(page: string): string {
  const text = readFileSync(join(GUIDE, page), 'utf8')
  return [...text.matchAll(/^```ts\n([\s\S]*?)^```/gm)].map(([, code]) => code).join('\n')
}

afterAll(() => rmSync(CHECKED, { recursive: true, force: true }))

describe('the guide', () => {
  it('compiles, page by page', { timeout: COMPILER_TIMEOUT_MS }, () => {
    mkdirSync(CHECKED, { recursive: true })
    const pages = PAGES.filter((page) => codeOf(page) !== '')
    expect(pages.length).toBeGreaterThan(5)
    for (const page of pages) writeFileSync(join(CHECKED, page.replace('.md', '.ts')), `${codeOf(page)}\nexport {}\n`)
    const settings = { extends: '../../tsconfig.json', include: ['*.ts'], exclude: [] }
    writeFileSync(join(CHECKED, 'tsconfig.json'), JSON.stringify(settings))
    const compiler = join(ROOT, 'node_modules', '.bin', 'tsc')
    const { stdout, stderr } = spawnSync(compiler, ['-p', CHECKED], { encoding: 'utf8' })
    expect(stdout + stderr).toBe('')
  })
})

describe('links', () => {
  it.each(ALL_PAGES)('of %s lead somewhere', (page) => {
    const links = [...readFileSync(join(ROOT, page), 'utf8').matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)].map(
      ([, to]) => to,
    )
    const broken = links.filter((to) => to && !/^https?:/.test(to) && !existsSync(join(ROOT, dirname(page), to)))
    expect(broken).toEqual([])
  })
})
