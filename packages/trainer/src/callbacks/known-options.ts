/** Refuses options that nobody would read: a misspelt one is not to be passed over in silence. */
import { RondoError } from '@rondo/protocol'

/** @throws BAD_ARGUMENT naming the first option that is not among `known` */
export function checkKnown(owner: string, options: object, known: readonly string[]): void {
  const unknown = Object.keys(options).find((name) => !known.includes(name))
  if (unknown === undefined) return
  const allowed = known.length === 0 ? 'no options' : `the options ${known.join(', ')}`
  throw new RondoError(
    'BAD_ARGUMENT',
    `${owner}({ ${unknown} }): there is no such option. Allowed are ${allowed}. Correct the name, or leave it out.`,
  )
}
