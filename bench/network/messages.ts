/** What the bench, its pages and their workers say to each other. */
import type { Signal } from '@rondo/protocol'
import type { ConnectOptions } from '@rondo/transport'

export type Connections = NonNullable<ConnectOptions['connections']>

export interface LinkTask {
  /** Of the rank on this page; the other page has the other one. */
  rank: 0 | 1
  runId: string
  connections: Connections
  timeoutMs: number
}

export interface Transfer {
  /** Milliseconds from the first frame until no more are sent. */
  ms: number
  /** How the receiver splits the transfer: a rate for each part. */
  partMs: number
  timeoutMs: number
}

export interface TransferFigures {
  /** Bytes per second that arrived, part by part. */
  rates: number[]
  /** Peer connections of the link afterwards. */
  connections: number
  /** Milliseconds: a small frame there and back while nothing else was on its way. */
  roundTripMs: number
}

export type WorkerTask =
  | { task: 'accept'; rank: number; port: MessagePort; timeoutMs: number }
  | ({ task: 'send' } & Transfer)
  | ({ task: 'receive' } & Transfer)

export interface NetworkPage {
  /** Makes the link to the other page's rank. */
  link(task: LinkTask): Promise<void>
  /** A signal from the other page. */
  signaled(signal: Signal): void
  send(transfer: Transfer): Promise<TransferFigures>
  receive(transfer: Transfer): Promise<TransferFigures>
  /** Lets go of the link. */
  close(runId: string): void
}

declare global {
  var networkPage: NetworkPage
  /** Hands a signal to the bench, which passes it on to the other page. */
  var passSignal: (signal: Signal) => Promise<void>
}
