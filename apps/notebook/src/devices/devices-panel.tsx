/** The side panel "Devices": what this page brings, who has joined, who is missing, and the way in for others. */
import type { SessionView } from '@rondo/ui/session'
import type { VNode } from 'preact'

/** What a person can do in the panel. */
export interface DeviceActions {
  /** How many ranks this page can run; takes effect when no run uses them. */
  setSlots(slots: number): void
  /** Lets a page that asks take part. */
  approve(pageId: string): void
  /** Sends a page away for this session. */
  remove(pageId: string): void
  /** After the connection was given up. */
  reconnect(): void
}

export interface DevicesPanelProps {
  session: SessionView
  /** Page clock, ms. */
  now: number
  connection: 'connecting' | 'online' | 'offline' | 'closed'
  /** Slots of this page, and the most it may have. */
  slots: { count: number; max: number }
  /** Pages that wait for a person's yes; null when everyone with the link may take part. */
  unapproved: ReadonlySet<string> | null
  /** What a launch waits for; null when none does. `since` on the page's clock, ms. */
  waiting: { call: string; asked: number; here: number; since: number } | null
  /** Join link for other machines; `local`: it works on this machine only. */
  invite: { link: string; local: boolean }
  actions: DeviceActions
}

export function DevicesPanel({ session }: DevicesPanelProps): VNode {
  return <section aria-label="Devices">{session.snapshot?.session}</section>
}
