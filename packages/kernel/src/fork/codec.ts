/**
 * Encodes values of a notebook as bytes and back, keeping shared references and cycles. What the kernel can't know
 * (tensors, models, data sets) is taken apart by codecs that the application injects. Functions are fork.ts's.
 */

import { Decoder, type Origins } from './decoder.ts'
import { Encoder, type Links } from './encoder.ts'
import { malformed, type Node, type Slot, unpack } from './format.ts'
import type { Objection } from './hints.ts'
import { dataProperty, isNative } from './kinds.ts'
import { rootPlace } from './place.ts'
import { privateStateObjection } from './private-state.ts'
import type { ValueCodec } from './value-codec.ts'

/** What a plain value is encoded with. */
export interface EncodeOptions {
  codecs?: readonly ValueCodec[]
  /** Top-level names: functions and classes that are values here cross by name, instances keep their class. */
  names?: Readonly<Record<string, unknown>>
  /** How the person asked for it, for refusals: `fabric.launch(train)`. */
  call?: string
  /** What the value is called in refusals: `the result`. */
  label?: string
}

export interface DecodeOptions {
  codecs?: readonly ValueCodec[]
  /** Top-level names of this side. An instance whose class is missing becomes a plain object. */
  names?: Readonly<Record<string, unknown>>
}

/**
 * Encodes a value that a rank gives back, or that goes to one.
 *
 * @returns bytes; typed arrays are copied into them once (twice when a codec has to wait for a device)
 * @throws ForkError naming path and kind of what can't cross
 */
export async function encodeValue(value: unknown, options: EncodeOptions = {}): Promise<ArrayBuffer> {
  const links = new NameLinks(options.names ?? {})
  const encoder = new Encoder(options.call ?? 'Sending a value', options.codecs ?? [], links)
  return await encoder.finish(encoder.slot(value, rootPlace(options.label ?? 'value')))
}

/**
 * Decodes what {@link encodeValue} wrote. The bytes belong to the value afterwards: large arrays look into them.
 * Evaluates no code; functions come from `names`, and one that is not there becomes undefined.
 *
 * @throws Error for bytes that are no encoded value
 */
export async function decodeValue(bytes: ArrayBuffer, options: DecodeOptions = {}): Promise<unknown> {
  const { table, segments } = unpack(bytes)
  const decoder = new Decoder(table, segments, options.codecs ?? [], new NameOrigins(options.names ?? {}))
  await decoder.prepare()
  return decoder.value(table.root)
}

/** Functions and classes by their top-level name. */
class NameLinks implements Links {
  readonly #names = new Map<unknown, string>()

  constructor(names: Readonly<Record<string, unknown>>) {
    for (const name of Object.keys(names)) {
      const value = dataProperty(names, name)
      if (typeof value === 'function') this.#names.set(value, name)
    }
  }

  resolve(value: object): Node | null {
    const name = this.#names.get(value)
    return name === undefined ? null : { t: 'named', name }
  }

  crosses(maker: object): boolean {
    return this.#names.has(maker) && !isNative(maker)
  }

  objectionToInstances(maker: object): Objection | null {
    return privateStateObjection(maker)
  }
}

class NameOrigins implements Origins {
  constructor(readonly names: Readonly<Record<string, unknown>>) {}

  code(node: Parameters<Origins['code']>[0]): unknown {
    if (node.t !== 'named') throw malformed('code inside of a plain value')
    return Object.hasOwn(this.names, node.name) ? dataProperty(this.names, node.name) : undefined
  }

  before(): readonly Slot[] {
    return []
  }
}
