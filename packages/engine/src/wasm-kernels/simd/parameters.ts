/** What programs name in common: parameters by name, sizes in bytes. */
import type { Local } from './assembler.ts'

export const VECTOR_BYTES = 16
export const FLOAT_BYTES = 4

/** Numbers a program's parameters; their names are their documentation. */
export function parameters<const Names extends readonly string[]>(names: Names): Record<Names[number], Local> {
  return Object.fromEntries(names.map((name, i) => [name, i])) as Record<Names[number], Local>
}
