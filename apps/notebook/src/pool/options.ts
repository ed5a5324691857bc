/** What a pool of ranks stands on. */
import type { DirectRanks } from '@rondo/fabric/page'
import type { SignalingClient } from '@rondo/transport'

export interface RankPoolOptions {
  /** Connected with the session's control token. */
  client: SignalingClient
  /** Origin of the server that the page came from. */
  origin: string
  joinToken: string
  controlToken: string
  /** The id under which this page joined with its slots; null while it brings none. */
  localPageId(): string | null
  /** The short way to ranks of this page, by which their results come; null while `localPageId` gives null. */
  directRanks(): DirectRanks | null
  /** Asks other notebooks to give up ranks that they only keep warm; true when one did. */
  askOthers?: (signal: AbortSignal) => Promise<boolean>
  /** Only tests set it. */
  scriptUrl?: string
}
