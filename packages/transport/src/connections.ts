/** How many peer connections a link may have. Not for: choosing the number while the link is used (connection-scaler.ts). */

/**
 * On paths with delay and loss every connection has a congestion window of its own, so several move more than one.
 * More than eight would cost handshakes, memory and fairness to others on the path.
 */
export const MAX_CONNECTIONS = 8

/** A fixed number, or as many as the path turns out to need. */
export type Connections = number | 'auto'
