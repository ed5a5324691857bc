import { RondoError } from '@rondo/protocol'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeObject, encodeObject } from './object-codec.ts'

const through = (value: unknown): unknown => decodeObject(encodeObject(value, 'test'))

describe('what may cross', () => {
  it('comes back equal', () => {
    const value = {
      numbers: [0, -0, 1.5, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
      nothing: [undefined, null],
      big: 2n ** 80n,
      when: new Date(1234),
      never: new Date(Number.NaN),
      map: new Map<unknown, unknown>([
        ['a', 1],
        [{ k: 1 }, new Set([1, 'x'])],
      ]),
      arrays: [
        Float32Array.of(1, 2),
        new Uint8Array(0),
        BigInt64Array.of(-1n),
        new Float64Array([1, 2, 3]).subarray(1),
      ],
      buffer: Uint8Array.of(7, 8, 9).buffer,
      $: 'a key that means something to the encoding',
      text: 'ü 🎉 \ud800',
    }
    const back = through(value) as typeof value
    expect(back).toEqual({ ...value, text: expect.any(String) })
    expect(Object.is(back.numbers[1], -0)).toBe(true)
  })

  it('is anything made of JSON', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(through(value)).toEqual(value)
      }),
    )
    fc.assert(
      fc.property(
        fc.anything({ withDate: true, withMap: true, withSet: true, withBigInt: true, withTypedArray: true }),
        (value) => {
          try {
            encodeObject(value, 'test')
          } catch (error) {
            expect(error).toBeInstanceOf(RondoError)
            return
          }
          expect(Buffer.compare(encodeObject(through(value), 'test'), encodeObject(value, 'test'))).toBe(0)
        },
      ),
    )
  })

  it('cannot change prototypes', () => {
    const back = through(JSON.parse('{"__proto__": {"polluted": true}}')) as Record<string, unknown>
    expect(Object.getPrototypeOf(back)).toBe(Object.prototype)
    expect(back['polluted']).toBe(undefined)
  })
})

describe('what may not', () => {
  class Layer {}
  const loop: Record<string, unknown> = {}
  loop['self'] = { again: loop }
  const cases: Array<[unknown, RegExp]> = [
    [{ cfg: { model: { layers: [0, 1, { activation: () => 1 }] } } }, /value\.cfg\.model\.layers\[2\]\.activation/],
    [{ a: new Layer() }, /an instance of Layer at value\.a/],
    [Symbol('x'), /a symbol at value/],
    [loop, /contains itself at value\.self\.again/],
    [new Map([['k', { f: Math.sin }]]), /the function sin at value\.get\("k"\)\.f/],
    [{ 'odd key': new DataView(new ArrayBuffer(1)) }, /DataView at value\["odd key"\]/],
  ]
  for (const [value, message] of cases) {
    it(`is named by its path: ${message.source}`, () => {
      expect(() => encodeObject(value, 'test')).toThrow(message)
      expect(() => encodeObject(value, 'test')).toThrow(RondoError)
    })
  }

  it('refuses bytes of another kind and never crashes on them', () => {
    const good = encodeObject({ a: Float32Array.of(1, 2) }, 'test')
    fc.assert(
      fc.property(fc.nat(good.byteLength - 1), fc.integer({ min: 0, max: 255 }), (at, byte) => {
        const bad = good.slice()
        bad[at] = byte
        try {
          decodeObject(bad)
        } catch (error) {
          expect(error).toMatchObject({ code: 'BAD_MESSAGE' })
        }
      }),
    )
    expect(() => decodeObject(new Uint8Array(2))).toThrow(/can't be read/)
  })
})
