/** What the link tests' page and workers say to each other, and what the tests may ask of a page. */
import type { Link, LinkEnd, LinkRun, LinkStats } from '@rondo/transport'

export type WorkerTask =
  | { task: 'accept'; rank: number; worldSize: number; timeoutMs: number; port: MessagePort }
  /** One side of one case of the link contract. */
  | { task: 'contract'; peer: number; name: string; side: 'left' | 'right'; largeBytes: number }
  /** Waits for the end of a link. */
  | { task: 'end'; peer: number }
  | { task: 'stats'; peer: number }

export type EndSeen = LinkEnd & { at: number }
export type LinkFacts = Pick<Link, 'carrier' | 'maxFrameBytes' | 'closed'> & {
  copies: boolean
  candidateType: string | null
  connections: number | null
}
export type StatsSeen = LinkStats & LinkFacts

export interface StartOptions extends LinkRun {
  ranks: number[]
  timeoutMs: number
  iceTimeoutMs?: number
  /** Peer connections of each WebRTC link, in place of its own choice. */
  connections?: number
  /** As browsers that cannot transfer data channels: the page pump takes over. */
  withoutTransfer?: boolean
  /** ICE candidates of this page are lost, so that no connection can come about. */
  withoutCandidates?: boolean
}

export interface LinksPage {
  browserId(): Promise<string | null>
  /** Tells the hub which ranks live here; to be done on all pages before any starts, as the server does. */
  own(ranks: number[]): Promise<void>
  /** Makes the links of `ranks`, each in a worker of its own. */
  start(options: StartOptions): Promise<Record<number, Record<number, LinkFacts>>>
  ask(rank: number, task: Exclude<WorkerTask, { task: 'accept' }>): Promise<unknown>
  terminate(rank: number): void
  closeRun(runId: string): void
}

declare global {
  var linksPage: LinksPage
}
