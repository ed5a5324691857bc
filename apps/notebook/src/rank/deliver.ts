/**
 * A file for the notebook: handed to its page where this rank runs there, so that it needs no server; else stored with
 * the run. Not for: checkpoints and other files that stay.
 */
import type { RankContext } from '@rondo/fabric'
import { OPENER } from './messages.ts'

/** The bytes are gone from here afterwards. Rejects with STORAGE_FAILED when the server does not take them. */
export async function deliver(context: RankContext, name: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  const { handOver, seat, config, files } = context
  const opener = config?.env[OPENER]
  if (handOver !== null && opener !== undefined && seat?.pageId === opener) handOver(name, bytes)
  else await files.write(name, bytes)
}
