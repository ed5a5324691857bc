/** The collectives of a Fabric: checked, timed and passed to the process group. Not for: walking nested data. */
import type { FabricCore } from '../core.ts'
import { gatherLeaves, type ReduceOp, reduceLeaves } from './nested-collectives.ts'

export async function allReduceData<T>(
  core: FabricCore,
  data: T,
  options: { op?: ReduceOp; name?: string },
): Promise<T> {
  await core.requireLaunch('allReduce')
  return reduceLeaves(core.context, data, options)
}

export async function allGatherData(core: FabricCore, data: unknown): Promise<unknown> {
  await core.requireLaunch('allGather')
  return gatherLeaves(core.context, data)
}

export async function broadcastValue<T>(core: FabricCore, value: T, src: number): Promise<T> {
  await core.requireLaunch('broadcast')
  const { group, signal } = core.context
  return core.context.during('communication', "script's broadcast", () => group.broadcastObject(value, { src, signal }))
}

export async function passBarrier(core: FabricCore, name: string): Promise<void> {
  await core.requireLaunch('barrier')
  const { group, signal } = core.context
  await core.context.during('barrier', name, () => group.barrier(name, { signal }))
}
