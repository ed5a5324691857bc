/** Numbers for Prometheus, in a registry of the server's own. Not for: metrics of training. */
import { RUN_STATES } from '@rondo/protocol'
import { Counter, Gauge, Registry } from 'prom-client'
import type { SessionRecord } from './core/record.ts'

export interface Metrics {
  readonly registry: Registry
  readonly messages: Counter<'event'>
  readonly refused: Counter<'code'>
  readonly relayedBytes: Counter
}

/** `sessions` is asked when somebody looks. */
export function createMetrics(sessions: () => Promise<readonly Readonly<SessionRecord>[]>): Metrics {
  const registry = new Registry()
  const registers = [registry]
  new Gauge({
    name: 'rondo_sessions',
    help: 'Sessions that exist',
    registers,
    async collect() {
      this.set((await sessions()).length)
    },
  })
  new Gauge({
    name: 'rondo_members',
    help: 'Slots that pages brought, over all sessions',
    registers,
    async collect() {
      this.set(
        (await sessions()).flatMap((record) => record.pages).reduce((sum, page) => sum + page.memberIds.length, 0),
      )
    },
  })
  new Gauge({
    name: 'rondo_connections',
    help: 'Connected pages, agents and controllers, over all sessions',
    registers,
    async collect() {
      this.set((await sessions()).reduce((sum, record) => sum + record.connections.length, 0))
    },
  })
  new Gauge({
    name: 'rondo_runs',
    help: 'Latest run of each session, by status',
    labelNames: ['status'],
    registers,
    async collect() {
      const runs = (await sessions()).flatMap((record) => (record.run === null ? [] : [record.run.status]))
      for (const status of RUN_STATES) this.set({ status }, runs.filter((other) => other === status).length)
    },
  })
  return {
    registry,
    messages: new Counter({
      name: 'rondo_messages_total',
      help: 'Messages received',
      labelNames: ['event'],
      registers,
    }),
    refused: new Counter({ name: 'rondo_refused_total', help: 'Messages refused', labelNames: ['code'], registers }),
    relayedBytes: new Counter({ name: 'rondo_relayed_bytes_total', help: 'Bytes of relayed frames', registers }),
  }
}
