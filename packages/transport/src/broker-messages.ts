/** What a page and the port broker (SharedWorker) say to each other. Same origin, same build. */

/** Characters of a meeting's key; longer ones are refused. */
export const MAX_KEY_CHARS = 256

export type ToPortBroker =
  /** Two clients that name the same key get the two ends of one MessageChannel. */
  { type: 'meet'; key: string } | { type: 'forget'; key: string }

export type FromPortBroker = { type: 'browser'; browserId: string } | { type: 'met'; key: string; port: MessagePort }
