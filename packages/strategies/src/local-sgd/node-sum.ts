/**
 * Sums inside one node: its lowest rank collects, adds in the order of ranks and gives the sum back. Those links are
 * ports of one machine, so 2(k−1) times the bytes is cheap; ranks of other nodes take no part.
 */
import type { ProcessGroup } from '@rondo/collectives'

/**
 * @param x overwritten with the sum, the same bytes on all ranks of the node
 * @param nodeRanks this rank's node, ascending, itself included
 */
export async function nodeSum(
  x: Float32Array,
  group: ProcessGroup,
  nodeRanks: readonly number[],
  options: { name: string; signal: AbortSignal },
): Promise<void> {
  const [leader = group.rank, ...others] = nodeRanks
  if (others.length === 0) return
  if (group.rank !== leader) {
    await group.send(x, { ...options, to: leader })
    await group.recv(x, { ...options, from: leader })
    return
  }
  const parts = await Promise.all(others.map((from) => group.recv(new Float32Array(x.length), { ...options, from })))
  for (const part of parts) for (let i = 0; i < x.length; i++) x[i] = (x[i] as number) + (part[i] as number)
  await Promise.all(others.map((to) => group.send(x, { ...options, to })))
}
