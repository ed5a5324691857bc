/**
 * The one refusal of this folder: something that a launched function reaches, or that a rank gives back, cannot
 * cross to another worker. It is thrown before anything starts. Not for: errors of the code that runs in a rank.
 */

/** What is known of a refused value; {@link ForkError} makes the sentence. */
export interface Refusal {
  /** What was asked for, as written: `fabric.launch(train)`. */
  call: string
  /** Where the value lies, from the variable on: `cfg.model.layers[2].activation`. */
  path: string
  /** What it is, for people: `an arrow function`, `a WeakMap`, `an open WebSocket`. */
  kind: string
  /** Functions on the way to the variable, the launched one first; empty for arguments and results. */
  needs: readonly string[]
  /** A full sentence: what to do instead. */
  hint: string
}

/** Something cannot be sent to the ranks. The message names the variable, the path, the kind and a way out. */
export class ForkError extends Error {
  readonly code = 'NOT_CLONEABLE'
  readonly path: string
  /** The function that uses the variable; null where the value was passed or returned directly. */
  readonly needs: string | null

  constructor(refusal: Refusal, options?: ErrorOptions) {
    const { call, path, kind, needs, hint } = refusal
    const chain = needs.map((name) => `\`${name}\``)
    const user = chain.at(-1)
    const through = chain.length > 1 ? ` (${chain.join(' → ')})` : ''
    const because = user === undefined ? '' : ` ${user} needs it${through}.`
    super(`${call}: \`${path}\` is ${kind}, and that cannot go to another worker.${because} ${hint}`, options)
    this.name = 'ForkError'
    this.path = path
    this.needs = needs.at(-1) ?? null
  }
}
