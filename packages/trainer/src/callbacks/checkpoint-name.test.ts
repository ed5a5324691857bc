/** Names of checkpoints: Python's formats against Python itself, templates, what is refused. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { checkpointName, checkTemplate, freeName } from './checkpoint-name.ts'
import { type FormatSpec, formatNumber, type NumberKind, parseFormat } from './python-format.ts'

type Row = [value: number | string, spec: string, kind: NumberKind, text: string]
const ROWS = JSON.parse(readFileSync(new URL('testing/python-formats.json', import.meta.url), 'utf8')) as Row[]

/** JSON has no word for these. */
const numberOf = (value: number | string): number =>
  typeof value === 'number' ? value : Number(value.replace('inf', 'Infinity'))

describe('python-format', () => {
  it('writes numbers as Python does', () => {
    const wrong = ROWS.flatMap(([value, spec, kind, text]) => {
      const got = formatNumber(numberOf(value), parseFormat(spec) as FormatSpec, kind)
      return got === text ? [] : [{ value, spec, kind, text, got }]
    })
    expect(ROWS.length).toBeGreaterThan(500)
    expect(wrong).toEqual([])
  })

  it.each(['q', '.f', '2.', 'dd', '.2f ', '!r'])('knows no %j', (spec) => expect(parseFormat(spec)).toBeNull())
})

describe('checkpointName', () => {
  const values = { epoch: 2, step: 40, val_loss: 0.3249, 'val/acc': 0.5, 'train.loss': 3, lr: 1e-3, big: 12345.678 }
  const named = (template: string, autoInsert = true): string => checkpointName(template, values, autoInsert).name

  it.each([
    ['{epoch:02d}-{val_loss:.2f}', 'epoch=02-val_loss=0.32', '02-0.32'],
    ['{epoch}-{step}', 'epoch=2-step=40', '2-40'],
    ['{epoch:03d}-{step:06d}', 'epoch=002-step=000040', '002-000040'],
    ['best-{val/acc:.3f}', 'best-val/acc=0.500', 'best-0.500'],
    ['{train.loss}', 'train.loss=3.0', '3.0'],
    ['{train.loss:d}', 'train.loss=3', '3'],
    ['{lr:.1e}', 'lr=1.0e-03', '1.0e-03'],
    ['{lr}', 'lr=0.001', '0.001'],
    ['{big:.3g}', 'big=1.23e_04', '1.23e_04'],
    ['{val_loss:02.0f}', 'val_loss=00', '00'],
    ['{val_loss}', 'val_loss=0.3249', '0.3249'],
    ['{epoch}/{epoch}', 'epoch=2/epoch=2', '2/2'],
    ['{missing}', 'missing=0', '0'],
    ['{missing:.2f}', 'missing=0.00', '0.00'],
    ['plain', 'plain', 'plain'],
    ['{val_loss:.1%}', 'val_loss=32.5_', '32.5_'],
  ])('fills in %s', (template, withNames, without) => {
    expect(named(template)).toBe(withNames)
    expect(named(template, false)).toBe(without)
  })

  it('says what was not logged, and what no file may be called', () => {
    expect(checkpointName('{missing:.1f}', values, true).notes).toEqual([expect.stringContaining('"missing"')])
    expect(checkpointName('{big:.0e} x', values, true).notes).toEqual([expect.stringContaining('big=1e_04_x')])
    expect(checkpointName('{epoch}', values, true).notes).toEqual([])
    expect(named('{nan}')).toBe('nan=0')
    expect(checkpointName('{x:.2f}', { x: Number.NaN }, true).name).toBe('x=nan')
    expect(checkpointName('{x:.2f}', { x: Number.NEGATIVE_INFINITY }, true).name).toBe('x=-inf')
  })

  it.each(['{epoch:q}', '{epoch', 'epoch}', '{}', 3, '{a:{b}}'])('refuses template %j', (template) => {
    expect(() => checkTemplate('ModelCheckpoint', template)).toThrow(/filename.*llowed/)
  })

  it('refuses a whole-number format for a value that is none', () => {
    expect(() => named('{val_loss:03d}')).toThrow(/val_loss is 0.3249.*\{val_loss:\.2f\}/)
  })

  it('adds -v1, -v2 … to names that are taken', async () => {
    const taken = ['a', 'a-v1', 'b']
    expect(await freeName('a', (name) => taken.includes(name))).toBe('a-v2')
    expect(await freeName('b', async (name) => taken.includes(name))).toBe('b-v1')
    expect(await freeName('c', () => false)).toBe('c')
  })
})
