/**
 * All ranks must hold the same parameters, in number, path, shape and dtype, before the first byte of them
 * is exchanged. A difference is refused on every rank alike, naming the first path, both shapes and both ranks.
 */
import type { ProcessGroup } from '@rondo/collectives'
import { type Parameter, type ParameterSignature, signatureOf } from '@rondo/engine'
import { RondoError } from '@rondo/protocol'

/** Collective. Throws PARAMETER_MISMATCH on all ranks when any differs from rank 0. */
export async function verifyParameters(
  group: ProcessGroup,
  parameters: readonly Parameter[],
  signal: AbortSignal,
): Promise<void> {
  if (group.worldSize === 1) return
  const mine = signatureOf(parameters)
  const reference = await group.broadcastObject(mine, { src: 0, signal })
  const problem = firstDifference(reference, mine, group.rank)
  const flags = await group.allGather(Int32Array.of(problem === null ? 0 : 1), { name: 'parameter-check', signal })
  const culprit = flags.indexOf(1)
  if (culprit < 0) return
  const message = await group.broadcastObject(problem ?? '', { src: culprit, signal })
  throw new RondoError('PARAMETER_MISMATCH', message, { rank: culprit })
}

function firstDifference(reference: ParameterSignature[], mine: ParameterSignature[], rank: number): string | null {
  const longest = Math.max(reference.length, mine.length)
  for (let i = 0; i < longest; i++) {
    const theirs = reference[i]
    const own = mine[i]
    if (theirs && own && describe(theirs) === describe(own)) continue
    return (
      `Parameter ${i} of the model differs between ranks: rank 0 has ${describe(theirs)}, rank ${rank} has ${describe(own)}. ` +
      'All ranks must build the same model; check that its construction depends neither on the rank nor on the data.'
    )
  }
  return null
}

function describe(signature: ParameterSignature | undefined): string {
  return signature ? `${signature.name} [${signature.shape.join(', ')}] ${signature.dtype}` : 'no such parameter'
}
