/** The value codec: what goes in comes out, shared references stay shared, and refusals name the place. */
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeValue, encodeValue } from './codec.ts'
import { ForkError } from './fork-error.ts'
import type { ValueCodec } from './value-codec.ts'

const again = async (value: unknown, names: Record<string, unknown> = {}, codecs: ValueCodec[] = []) =>
  await decodeValue(await encodeValue(value, { names, codecs }), { names, codecs })

/** The refusal for a value. */
async function refusal(value: unknown, names: Record<string, unknown> = {}): Promise<ForkError> {
  const error = await encodeValue(value, { names, label: 'cfg' }).then(
    () => null,
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof ForkError)) throw new Error(`not refused: ${String(error)}`)
  return error
}

const leaf = fc.oneof(
  fc.anything({
    withBigInt: true,
    withDate: true,
    withMap: true,
    withSet: true,
    withTypedArray: true,
    withSparseArray: true,
    withNullPrototype: true,
    maxDepth: 3,
  }),
  fc.array(fc.double(), { minLength: 16, maxLength: 40 }),
)

describe('encodeValue and decodeValue', () => {
  it('give back any value', async () => {
    await fc.assert(
      fc.asyncProperty(leaf, async (value) => {
        expect(await again(value)).toStrictEqual(value)
      }),
      { numRuns: 500 },
    )
  })

  it('tell no names from one empty name', async () => {
    const value = new Map([[{ '': 0 }, new Map()]])
    expect(await again(value)).toStrictEqual(value)
  })

  it('keep what is shared shared, in any graph', async () => {
    // Objects whose properties lead to any of the others, themselves included.
    const graph = fc
      .integer({ min: 1, max: 12 })
      .chain((size) => fc.array(fc.array(fc.nat(size - 1), { maxLength: 4 }), { minLength: size, maxLength: size }))
    await fc.assert(
      fc.asyncProperty(graph, async (edges) => {
        const nodes = edges.map((_, id) => ({ id, next: [] as unknown[] }))
        for (const [id, targets] of edges.entries()) nodes[id]!.next.push(...targets.map((target) => nodes[target]))
        const copy = (await again(nodes)) as typeof nodes
        expect(copy).toHaveLength(nodes.length)
        for (const [id, targets] of edges.entries()) {
          expect(copy[id]!.next.map((one) => copy.indexOf(one as (typeof nodes)[0]))).toEqual(targets)
        }
      }),
    )
  })

  it('keep typed arrays on the same memory, and send only the bytes that are looked at', async () => {
    const memory = new ArrayBuffer(64)
    new Uint8Array(memory).set(Array.from({ length: 64 }, (_, index) => index))
    const value = {
      a: new Uint8Array(memory, 3, 8),
      b: new Uint16Array(memory, 8, 2),
      far: new Float32Array(memory, 48, 2),
    }
    const copy = (await again(value)) as typeof value
    expect(copy).toStrictEqual(value)
    copy.a[5] = 200
    expect(new Uint8Array(copy.b.buffer, copy.b.byteOffset)[0]).toBe(200)
    expect(copy.far.buffer).not.toBe(copy.a.buffer)
    const small = await encodeValue(new Uint8Array(1 << 20).subarray(10, 20))
    expect(small.byteLength).toBeLessThan(300)
  })

  it('gives a buffer and its views one memory', async () => {
    const buffer = new ArrayBuffer(2 << 20)
    const copy = (await again({ view: new Int32Array(buffer, 4), buffer })) as { view: Int32Array; buffer: ArrayBuffer }
    expect(copy.view.buffer).toBe(copy.buffer)
    expect(copy.buffer.byteLength).toBe(2 << 20)
  })

  it('leaves large arrays in the bytes that came', async () => {
    const bytes = await encodeValue({ images: new Float32Array(1 << 19).fill(0.5) })
    const copy = (await decodeValue(bytes)) as { images: Float32Array }
    expect(copy.images.buffer).toBe(bytes)
    expect(copy.images.every((value) => value === 0.5)).toBe(true)
  })

  it('walks a chain of 100,000 links', async () => {
    let chain: { next: unknown } | null = null
    for (let index = 0; index < 100_000; index++) chain = { next: chain }
    let length = 0
    for (let at = (await again(chain)) as typeof chain; at !== null; at = at.next as typeof chain) length++
    expect(length).toBe(100_000)
  })

  it('gives back errors with message, cause, code and stack', async () => {
    class LibraryError extends TypeError {
      override name = 'LibraryError'
      code = 'E42'
    }
    const error = new LibraryError('no', { cause: new RangeError('deep') })
    const copy = (await again(error)) as LibraryError
    expect(copy).toBeInstanceOf(Error)
    expect([copy.name, copy.message, copy.code, copy.stack]).toEqual(['LibraryError', 'no', 'E42', error.stack])
    expect(copy.cause).toBeInstanceOf(RangeError)
    expect((copy.cause as Error).message).toBe('deep')
    expect(Object.keys(copy)).not.toContain('message')
  })

  it('keeps regular expressions, hidden properties, holes, extra properties of arrays and `__proto__` as a name', async () => {
    const value = Object.defineProperty({ match: /b/.exec('abc'), holes: [1, 2, 3] }, 'secret', { value: 7 })
    delete value.holes[1]
    const regexp = /x/gy
    regexp.lastIndex = 2
    const odd = JSON.parse('{"__proto__": {"polluted": true}}') as object
    const copy = (await again({ value, regexp, odd })) as { value: typeof value; regexp: RegExp; odd: object }
    expect(copy.value).toStrictEqual(value)
    expect(copy.value.match?.index).toBe(1)
    expect(Object.getOwnPropertyDescriptor(copy.value, 'secret')).toMatchObject({ value: 7, enumerable: false })
    expect([copy.regexp.source, copy.regexp.flags, copy.regexp.lastIndex]).toEqual(['x', 'gy', 2])
    expect(Object.keys(copy.odd)).toEqual(['__proto__'])
    expect('polluted' in copy.odd).toBe(false)
  })

  it('tells names apart that hold odd characters', async () => {
    const value = [{ 'a\0b': 1, c: 2 }, { a: 1, 'b\0c': 2 }, { '': 1 }, {}, { '\ud800': 2 }]
    expect(await again(value)).toStrictEqual(value)
  })

  it('takes objects of another realm for what they are', async () => {
    const value: unknown = runInNewContext(
      '({ map: new Map([[1, new Set([2])]]), list: [1, { a: 1 }], bytes: new Uint8Array([1]), at: new Date(5), e: new TypeError("x") })',
    )
    const copy = (await again(value)) as { map: Map<number, Set<number>>; e: Error; at: Date }
    expect(copy.map.get(1)?.has(2)).toBe(true)
    expect(copy).toMatchObject({ list: [1, { a: 1 }], bytes: new Uint8Array([1]), at: new Date(5) })
    expect(copy.e).toBeInstanceOf(TypeError)
  })
})

describe('classes and functions by name', () => {
  class Model {
    layers = [{ units: 2 }]
    units() {
      return this.layers[0]!.units
    }
  }
  class Bag extends Map<string, number> {
    label = 'bag'
    override set(): this {
      throw new Error('no')
    }
  }
  class Broken extends Error {
    detail = 3
  }
  const double = (x: number): number => x * 2

  it('keep instances, subclasses of builtins and named functions', async () => {
    const bag = new Bag()
    Map.prototype.set.call(bag, 'a', 1)
    const value = { model: new Model(), bag, broken: new Broken('b'), double, Model }
    const copy = (await again(value, { Model, Bag, Broken, double })) as typeof value
    expect(copy.model).toBeInstanceOf(Model)
    expect(copy.model.units()).toBe(2)
    expect(copy.bag).toBeInstanceOf(Bag)
    expect([copy.bag.get('a'), copy.bag.label]).toEqual([1, 'bag'])
    expect(copy.broken).toBeInstanceOf(Broken)
    expect([copy.broken.message, copy.broken.detail]).toEqual(['b', 3])
    expect(copy.double).toBe(double)
    expect(copy.Model).toBe(Model)
  })

  it('leave the data of an instance whose class the other side does not have', async () => {
    const bytes = await encodeValue(new Model(), { names: { Model } })
    const copy = await decodeValue(bytes)
    expect(copy).toEqual({ layers: [{ units: 2 }] })
    expect(Object.getPrototypeOf(copy)).toBe(Object.prototype)
  })

  it('refuse private state that nobody can read, by its names', async () => {
    class Safe {
      #pin = 1
      pin() {
        return this.#pin
      }
    }
    expect((await refusal(new Safe(), { Safe })).message).toMatch(
      /instance of Safe, which keeps private state \(#pin\)/,
    )
  })
})

describe('codecs', () => {
  class Box {
    constructor(readonly inside: unknown) {}
  }
  const boxes = (wait: boolean): ValueCodec => ({
    name: 'box',
    test: (value) => value instanceof Box,
    encode: (value) => (wait ? Promise.resolve([(value as Box).inside]) : [(value as Box).inside]),
    decode: (parts) => Promise.resolve(new Box((parts as unknown[])[0])),
  })

  it.each([false, true])('take values apart and put them together inside out (waiting: %s)', async (wait) => {
    const inner = new Box({ n: 1 })
    const value = { a: new Box([inner, new Float32Array([1, 2])]), b: inner }
    const copy = (await again(value, {}, [boxes(wait)])) as typeof value
    expect(copy).toStrictEqual(value)
    expect((copy.a.inside as unknown[])[0]).toBe(copy.b)
  })

  it('takes values as they are when it is called, even if a codec makes it wait', async () => {
    const weights = new Float32Array([1, 2])
    const config = { lr: 0.1 }
    const encoding = encodeValue({ weights, config, box: new Box(1) }, { codecs: [boxes(true)] })
    weights[0] = 99
    config.lr = 99
    expect(await decodeValue(await encoding, { codecs: [boxes(true)] })).toMatchObject({
      weights: new Float32Array([1, 2]),
      config: { lr: 0.1 },
    })
  })

  it('turns a codec that throws into a refusal with its sentence', async () => {
    const codec: ValueCodec = {
      ...boxes(false),
      encode: () => {
        throw new Error('It was disposed. Build it again.')
      },
    }
    const encoding = encodeValue([new Box(1)], { codecs: [codec], label: 'cfg' })
    await expect(encoding).rejects.toThrow(/`cfg\[0\]` is a box, and.*It was disposed\. Build it again\./)
  })
})

describe('refusals', () => {
  it.each<[string, () => unknown, string, RegExp]>([
    [
      'an arrow function',
      () => ({ model: { layers: [0, 1, { activation: (x: number) => x }] } }),
      'cfg.model.layers[2].activation',
      /an arrow function "activation".*top level of a cell/,
    ],
    ['a promise', () => [Promise.resolve(1)], 'cfg[0]', /a promise.*Await it first/],
    ['a WeakMap', () => new Map([['cache', { w: new WeakMap() }]]), 'cfg.get("cache").w', /a WeakMap.*Use a Map/],
    ['a symbol', () => ({ 'a b': Symbol('s') }), 'cfg["a b"]', /a symbol/],
    ['a generator', () => ({ g: (function* () {})() }), 'cfg.g', /generator/],
    [
      'a getter',
      () => ({
        get now() {
          throw new Error('was called')
        },
      }),
      'cfg.now',
      /a getter/,
    ],
    ['a port', () => new Set([new MessageChannel().port1]), 'cfg.values()', /a MessagePort/],
    ['shared memory', () => ({ s: new Uint8Array(new SharedArrayBuffer(8)) }), 'cfg.s', /SharedArrayBuffer.*slice/],
    [
      'a foreign instance',
      () => ({ u: new URL('http://a.b') }),
      'cfg.u',
      /instance of URL, which is no class of this notebook/,
    ],
    ['a bound function', () => ({ f: Math.max.bind(null) }), 'cfg.f', /a bound function/],
  ])('name %s, its path and a way out', async (_, make, path, message) => {
    const error = await refusal(make())
    expect(error).toMatchObject({ code: 'NOT_CLONEABLE', path, needs: null })
    expect(error.message).toMatch(message)
    expect(error.message).toContain(`\`${path}\``)
  })

  it('names an array whose memory was transferred', async () => {
    const gone = new Float32Array(4)
    structuredClone(gone.buffer, { transfer: [gone.buffer] })
    expect((await refusal({ gone })).message).toMatch(/`cfg\.gone` is an array whose memory was handed away/)
  })

  it('refuses bytes that are no value, at any place where they are cut or changed', async () => {
    const bytes = new Uint8Array(await encodeValue({ a: [1, { b: new Float32Array(8) }], m: new Map([[1, 'x']]) }))
    for (let length = 0; length < bytes.length; length += 7) {
      await expect(decodeValue(bytes.slice(0, length).buffer)).rejects.toThrow()
    }
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), async (at, change) => {
        const broken = bytes.slice()
        broken[at] = broken[at]! ^ change
        await decodeValue(broken.buffer).catch((error: unknown) => expect(error).toBeInstanceOf(Error))
      }),
    )
  })

  it('evaluates no code that arrives as a value', async () => {
    const evil = { root: { r: 0 }, nodes: [{ t: 'code', unit: 0 }], keys: [], views: [], segments: [] }
    const { pack } = await import('./format.ts')
    await expect(decodeValue(pack(evil as never, []))).rejects.toThrow(/code inside of a plain value/)
  })
})
