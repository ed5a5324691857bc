/** `allReduce` and `allGather` over nested data, one collective a leaf. Not for: walking the data (nested.ts). */
import type { RankContext } from '../context.ts'
import { type Leaf, mapLeaves, rebuild } from './nested.ts'

/** What `allReduce` may compute. */
export type ReduceOp = 'mean' | 'avg' | 'sum' | 'min' | 'max' | 'product'

/** New data of the same form; every rank gets the same values. */
export async function reduceLeaves<T>(
  context: RankContext,
  data: T,
  { op = 'mean', name = 'allReduce' }: { op?: ReduceOp; name?: string },
): Promise<T> {
  const { group, signal } = context
  return (await context.during('communication', "script's all-reduce", () =>
    mapLeaves(data, async (leaf, path) =>
      rebuild(leaf, await group.allReduce(leaf.values, { op, name: `${name} ${path}`, signal })),
    ),
  )) as T
}

/** Each leaf with all ranks' values, shape [worldSize, ...shape]; a world of one adds no axis. */
export async function gatherLeaves(context: RankContext, data: unknown): Promise<unknown> {
  const { group, signal } = context
  const gather = async (leaf: Leaf, path: string): Promise<unknown> => {
    if (group.worldSize === 1) return rebuild(leaf, leaf.values)
    const all = await group.allGather(leaf.values, { name: `allGather ${path}`, signal })
    return rebuild({ ...leaf, kind: leaf.kind === 'number' ? 'tensor' : leaf.kind }, Float32Array.from(all), [
      group.worldSize,
      ...leaf.shape,
    ])
  }
  return context.during('communication', "script's all-gather", () => mapLeaves(data, gather))
}
