/** What a person can do on this page. The session implements it; views only call it. */
export interface JoinActions {
  /** Brings `slots` ranks of this device under a name. */
  join(slots: number, label: string): void
  /** Ends this page's ranks and gives their seats back. */
  leave(): void
  /** Asks whoever controls the session to open a run with everyone present. */
  start(): void
  /** Ends the run on every rank. */
  stop(): void
  /** Starts over after the connection was given up. */
  reconnect(): void
}
