/** The compiled command is that of the present sources, and compiled no more often than they change. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, it, onTestFinished } from 'vitest'
// @ts-expect-error plain JavaScript, because it runs before anything can read TypeScript
import { compiledCommand } from './compiled-command.mjs'

const answerOf = async (path: string): Promise<unknown> =>
  ((await import(/* @vite-ignore */ pathToFileURL(path).href)) as { answer: unknown }).answer

/** Milliseconds for two builds on a machine that has much else to do. */
const LIMIT_MS = 120_000

it(
  'follows every source that it is made of, and stays as it is without a change',
  async () => {
    const root = mkdtempSync(join(tmpdir(), 'rondo-command-'))
    onTestFinished(() => rmSync(root, { recursive: true }))
    mkdirSync(join(root, 'src'))
    writeFileSync(join(root, 'package.json'), '{ "type": "module" }')
    writeFileSync(join(root, 'src/part.ts'), 'export const part: number = 1')
    writeFileSync(join(root, 'src/main.ts'), "import { part } from './part.ts'\nexport const answer: number = part + 1")
    const first = await compiledCommand(root, 'src/main.ts')
    expect(await answerOf(first)).toBe(2)
    expect(await compiledCommand(root, 'src/main.ts')).toBe(first)
    writeFileSync(join(root, 'src/part.ts'), 'export const part: number = 41')
    const second = await compiledCommand(root, 'src/main.ts')
    expect(await answerOf(second)).toBe(42)
    // A command that was started before may still load the rest of itself.
    expect(readdirSync(join(root, 'node_modules/.cache/rondo-command')).sort()).toHaveLength(3)
    expect(await answerOf(`${first}`)).toBe(2)
  },
  LIMIT_MS,
)
