/** Any value as a MIME bundle: its own form, a table, a tensor, or the tree to unfold. Never throws. */

import { builtinOf } from '../fork/kinds.ts'
import { MIME, type MimeBundle } from '../output.ts'
import { type Describer, DISPLAY, isBundle } from './describer.ts'
import { inspect } from './inspect.ts'
import { inspectText } from './inspect-text.ts'
import { preview, primitiveText } from './preview.ts'
import { tableBundle, tableOf } from './table.ts'
import { describeTensor, describeValues, isTensorLike, tensorLine } from './tensor.ts'

/** Tensors of any library, by their shape. */
const tensors: Describer = {
  test: isTensorLike,
  describe: (value) => describeTensor(value as Parameters<typeof describeTensor>[0]),
  inline: (value) => ({ kind: 'tensor', text: tensorLine(value as Parameters<typeof tensorLine>[0]) }),
}

/** Pictures as browsers have them. */
const pictures: Describer = {
  test: (value) => typeof ImageData !== 'undefined' && value instanceof ImageData,
  describe: (value) => {
    const { data, width, height } = value as ImageData
    return describeValues(data, [height, width, 4], 'uint8')
  },
  inline: (value) => ({
    kind: 'picture',
    text: `ImageData ${(value as ImageData).width} × ${(value as ImageData).height}`,
  }),
}

const BUILT_IN: readonly Describer[] = [tensors, pictures]

/**
 * What a value looks like. `text/plain` is always there; objects have a tree ({@link MIME.inspect}), arrays of plain
 * objects a table too. A value with a method `Symbol.for('Jupyter.display')` is what that returns.
 */
export function describeValue(value: unknown, describers: readonly Describer[] = []): MimeBundle {
  const all = [...describers, ...BUILT_IN]
  try {
    return describe(value, all)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return { 'text/plain': `[a ${typeof value} that could not be shown: ${reason}]` }
  }
}

/** A value as `console.log` writes it: texts as they are, everything else like `text/plain`. */
export function textOf(value: unknown, describers: readonly Describer[] = []): string {
  return typeof value === 'string' ? value : String(describeValue(value, describers)['text/plain'])
}

function describe(value: unknown, describers: readonly Describer[]): MimeBundle {
  const primitive = primitiveText(value)
  if (primitive !== null) return { 'text/plain': primitive }
  const object = value as object
  const own = ownBundle(object)
  if (own !== null) return { 'text/plain': preview(object, describers), ...own }
  const describer = describers.find((one) => one.test(object))
  if (describer !== undefined) return describer.describe(object)
  const tree = inspect(object, describers)
  const table = tableOf(object, describers)
  const bundle = { [MIME.inspect]: tree, ...(table === null ? {} : tableBundle(table)) }
  // The stack of an error that is only looked at belongs to it.
  const stack = builtinOf(object) === 'error' ? (object as Error).stack : undefined
  return { 'text/plain': stack ?? inspectText(tree), ...bundle }
}

/** What the value says it looks like; null where it says nothing, or nothing that can be shown. */
function ownBundle(value: object): MimeBundle | null {
  const method = (value as { [DISPLAY]?: unknown })[DISPLAY]
  if (typeof method !== 'function') return null
  const bundle: unknown = method.call(value)
  return isBundle(bundle) && !(bundle instanceof Promise) ? bundle : null
}
