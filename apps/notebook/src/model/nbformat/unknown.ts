/** Values of a file that nobody has checked yet. */
export type Unknown = Readonly<Record<string, unknown>>

/** Sentences about what is wrong, in the order in which it was met. */
export type Problems = string[]

export function isRecord(value: unknown): value is Unknown {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
