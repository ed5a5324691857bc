/** The seams of display: how values of libraries, and values that know their own form, say what they look like. */

import type { MimeBundle } from '../output.ts'

/** Knows the values of one library. Must not throw for a value that was disposed: say so in words. */
export interface Describer {
  test(value: object): boolean
  /** The whole bundle, `text/plain` included. */
  describe(value: object): MimeBundle
  /** One line where the value is part of another one; without it the value is shown like any object. */
  inline(value: object): { kind: string; text: string }
}

/**
 * A method of this name gives a value's own bundle. The symbol is the one that other JavaScript kernels for Jupyter
 * look for, so that classes written for those work here.
 */
export const DISPLAY = Symbol.for('Jupyter.display')

/** A value that is nothing but its form: what `html(...)`, `table(...)` and `Plot.plot(...)` return. */
export class Displayed {
  constructor(readonly bundle: MimeBundle) {}

  [DISPLAY](): MimeBundle {
    return this.bundle
  }
}

/** Whether a bundle came from outside and has the shape of one. */
export function isBundle(value: unknown): value is MimeBundle {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export type { MimeBundle }
