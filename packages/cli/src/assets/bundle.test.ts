/** Users' scripts as one module: runtime addresses, source maps back to their lines, and readable refusals. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { stackMapper } from '../terminal/stack-map.ts'
import { bundleScript, findScript, scriptHash } from './bundle.ts'

const folder = mkdtempSync(join(tmpdir(), 'rondo-bundle-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function script(name: string, ...lines: string[]): string {
  const path = join(folder, name)
  writeFileSync(path, lines.join('\n'))
  return path
}

describe('a script', () => {
  it('becomes one module that imports the runtime by its addresses', async () => {
    script('helper.ts', 'export const three: number = 3')
    const path = script(
      'good.ts',
      "import { Fabric } from 'rondo'",
      "import * as tf from '@tensorflow/tfjs'",
      "import { three } from './helper'",
      "const later = await import('./helper.ts')",
      'export default function main(args: string[]) { return [Fabric, tf, three, later, args] }',
    )
    const { code, name, hash } = await bundleScript(path)
    expect(name).toBe('good.ts')
    expect(hash).toBe(scriptHash(path))
    const imports = [...code.matchAll(/(?:from|import)\s*\(?["']([^"']+)["']/g)].map((match) => match[1])
    expect(imports.sort()).toEqual(['/runtime/rondo.js', '/runtime/tfjs.js'])
    expect(code).toContain('export { main as default }')
    expect(code).not.toContain('document')
  })

  it('gives stacks the lines of the source', async () => {
    const path = script(
      'lines.ts',
      'type Unused = string',
      '',
      'export function f(): never {',
      "  throw new Error('x')",
      '}',
    )
    const { code, map } = await bundleScript(path)
    const at = code.split('\n').findIndex((line) => line.includes('throw new Error'))
    const column = code.split('\n')[at]!.indexOf('throw')
    const mapped = stackMapper(map)(`at f (http://localhost:1/runs/r-1/script.js:${at + 1}:${column + 1}) and more`)
    expect(mapped).toMatch(/^at f \(.*lines\.ts:4:3\) and more$/)
    expect(stackMapper(map)('at g (http://localhost:1/runtime/rondo.js:1:1)')).toContain('/runtime/rondo.js:1:1')
  })

  it.each([
    ['syntax', ['const a = 1', 'const b = (', ';;'], /syntax\.ts:3:\d+: Unexpected token/],
    [
      'import',
      ['const a = 1', "import { z } from './nowhere'", 'console.log(z)'],
      /import\.ts:2:\d+: Could not resolve/,
    ],
    ['package', ["import x from 'no-such-package'", 'console.log(x)'], /package\.ts.*no-such-package/],
    ['export', ["import { z } from './helper'", 'console.log(z)'], /export\.ts:1:\d+: "z" is not exported/],
    ['inner', ["import '@rondo/engine'"], /inner\.ts imports "@rondo\/engine".*Import from "rondo"/],
  ])('with a bad %s is refused with its place', async (name, lines, message) => {
    const failed = bundleScript(script(`${name}.ts`, ...lines))
    await expect(failed).rejects.toMatchObject({ code: 'SCRIPT_FAILED' })
    await expect(failed).rejects.toThrow(message)
  })

  it('that is not there is named by its full path', () => {
    expect(() => findScript(join(folder, 'gone.ts'))).toThrowError(
      expect.objectContaining({ code: 'SCRIPT_NOT_FOUND', message: expect.stringContaining(join(folder, 'gone.ts')) }),
    )
    expect(() => findScript(folder)).toThrow(/no file/)
  })
})
