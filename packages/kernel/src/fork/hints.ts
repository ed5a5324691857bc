/** What to do about a value that can't cross, by what it is. Sentences for people only. */

import { className, functionKind, isPlain, tagName, withArticle } from './kinds.ts'

/** Kind and way out of a value that the codec refuses. */
export interface Objection {
  kind: string
  hint: string
}

const MAKE_THERE = 'Make it inside the launched function, so that each rank has its own.'

/** By name of the class; the first pattern that fits. */
const OBJECTIONS: ReadonlyArray<[RegExp, string | null, string]> = [
  [/^Promise$/, 'a promise', 'Await it first and send what it resolves to.'],
  [/^(WeakMap|WeakSet|WeakRef|FinalizationRegistry)$/, null, 'Use a Map, a Set or a plain reference.'],
  [/Generator|Iterator$/, 'a generator or iterator', 'Send `[...values]`, or start it inside the launched function.'],
  [
    /^(WebSocket|EventSource|WebTransport|RTC\w*|Socket|Manager|BroadcastChannel)$/,
    null,
    `Open it inside the launched function.`,
  ],
  [/^(MessagePort|MessageChannel|Worker|SharedWorker)$/, null, MAKE_THERE],
  [
    /^SharedArrayBuffer$/,
    null,
    'Memory is shared inside one worker only: send a copy (`new Uint8Array(shared).slice()`).',
  ],
  [
    /^(Blob|File|Response|Request|ReadableStream)$/,
    null,
    'Read it first (`await blob.arrayBuffer()`) and send the bytes, or fetch it in the launched function.',
  ],
  [/^GPU/, null, 'It belongs to one device. Every rank has its own: make it inside the launched function.'],
  [/^(HTML|SVG|Document|Window|Node|Element|Text)/, 'a node of a page', 'Send the values that you need from it.'],
  [/^(Tensor|Variable)$/, 'a tensor', 'Send its values: `await t.data()`.'],
  [
    /^(Fabric|Accelerator|Trainer)$/,
    null,
    'The launched function gets its own as first parameter, or makes one: use that.',
  ],
  [/^(AbortController|AbortSignal)$/, null, 'Stop a launch with Interrupt; inside of a rank make your own.'],
  [/^(Number|String|Boolean|BigInt|Symbol)$/, null, 'Send the primitive value (`.valueOf()`).'],
]

/** Why an object is refused whose class is no class of the notebook. */
export function objectObjection(value: object): Objection {
  const name = className(value)
  for (const [pattern, kind, hint] of OBJECTIONS) {
    const found = [name, tagName(value)].find((one) => pattern.test(one))
    if (found !== undefined) return { kind: kind ?? withArticle(found), hint }
  }
  if (name === '' || isPlain(value)) return { kind: 'an object with a prototype of its own', hint: MAKE_THERE }
  return {
    kind: `an instance of ${name}, which is no class of this notebook`,
    hint: `${MAKE_THERE} Instances of classes that a cell declares can cross.`,
  }
}

/** Why a function inside of a value is refused. */
export function functionObjection(value: object): Objection {
  return {
    kind: functionKind(value),
    hint: 'Define it in the launched code, or declare it at the top level of a cell (then it crosses by name), or pass its name.',
  }
}

/** Why a function in a field of a class's instance is refused. */
export function fieldObjection(value: object, owner: string): Objection {
  return {
    kind: `${functionKind(value)} in a field of ${owner}`,
    hint: `Make it a method of ${owner}: methods cross with the class, functions in fields belong to one object.`,
  }
}

export const SYMBOL_OBJECTION: Objection = {
  kind: 'a symbol',
  hint: 'Symbols are the same in one worker only. Use a string.',
}

export const ACCESSOR_OBJECTION: Objection = {
  kind: 'a getter',
  hint: 'Getters are not called for you: put a plain value there, or move it into a class.',
}

export const DETACHED_OBJECTION: Objection = {
  kind: 'an array whose memory was handed away',
  hint: 'Its buffer was transferred to another worker. Make a copy before transferring it.',
}
