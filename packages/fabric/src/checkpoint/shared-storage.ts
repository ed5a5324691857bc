/** Whether all ranks see one storage, found out by writing a small file and looking for it. Not for: checkpoints. */
import type { RankContext } from '../context.ts'
import { checkpointFiles, parsePlace } from './place.ts'

/** Collective. `download:` is nobody's to read, so it is never shared. */
export async function isSharedStorage(context: RankContext, path = ''): Promise<boolean> {
  const { group, signal, files, download } = context
  const folder = path.replace(/\/+$/, '')
  const probe = `${folder}${folder === '' || folder.endsWith(':') ? '' : '/'}shared-storage-probe`
  if (parsePlace(probe).scheme === 'download:') return false
  if (group.worldSize === 1) return true
  const run = { write: files.write, read: files.read, remove: async (name: string) => files.remove?.(name) }
  const storage = checkpointFiles({ run, download })
  // What another run left there is told apart by what stands in it.
  const mine = crypto.getRandomValues(new Uint8Array(16))
  const mark = await group.broadcastObject(mine, { src: 0, name: 'shared storage', signal })
  let sees = true
  if (group.rank === 0) sees = await worked(() => storage.write(probe, Uint8Array.from(mark)))
  await group.barrier('shared storage is written', { signal })
  if (sees) sees = await worked(async () => same(await storage.read(probe), mark))
  const all = await group.allGatherObject(sees, { name: 'shared storage', signal })
  if (group.rank === 0) await worked(() => storage.remove(probe))
  return all.every(Boolean)
}

async function worked(work: () => Promise<boolean | undefined | void>): Promise<boolean> {
  try {
    return (await work()) !== false
  } catch {
    return false
  }
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i])
}
