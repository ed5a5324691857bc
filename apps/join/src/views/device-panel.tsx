/** This device, what it gives, and what runs here. */
import { formatBytes, formatCount } from '@rondo/ui'
import { batchLine, deviceFacts, deviceName, myRanks } from '@rondo/ui/session'
import type { VNode } from 'preact'
import type { ViewProps } from './app.tsx'

export function DevicePanel({ state }: ViewProps): VNode {
  const { device } = state
  const config = state.run?.state.config
  const batch = state.run == null ? '' : batchLine(state.run)
  const setup = myRanks(state)
    .map((rank) => state.run?.ranks[rank]?.setup)
    .find((event) => event != null)
  return (
    <section class="panel area-device" aria-label="This device">
      <div class="panel-head">
        <h2>This device</h2>
      </div>
      <p data-testid="device">{device === null ? 'Looking …' : deviceName(device)}</p>
      {setup != null && (
        <p class="soft">
          Trains on {setup.accelerator}
          {setup.software ? ' (software)' : ''}
          {setup.reason === '' ? '' : `: ${setup.reason}`}
        </p>
      )}
      <Contribution state={state} />
      {device !== null && (
        <details class="fold">
          <summary>Adapter and limits</summary>
          <Facts facts={deviceFacts(device)} />
        </details>
      )}
      {config !== undefined && (
        <details class="fold">
          <summary>What runs here</summary>
          <Facts
            facts={[
              ['script', config.script.name],
              ['hash', config.script.hash.slice(0, 16)],
              ['arguments', config.args.join(' ') || 'none'],
              ['strategy', setup?.strategy ?? config.strategy ?? 'as the script says'],
              ['precision', setup?.precision ?? config.precision ?? 'as the script says'],
              [
                'links',
                config.processGroupBackend === 'auto'
                  ? 'the nearest carrier for each pair'
                  : config.processGroupBackend,
              ],
              ...(batch === '' ? [] : [['effective batch', batch] as [string, string]]),
              ...(setup?.parameters == null ? [] : [['parameters', formatCount(setup.parameters)] as [string, string]]),
            ]}
          />
        </details>
      )}
    </section>
  )
}

export function Facts({ facts }: { facts: ReadonlyArray<readonly [string, string]> }): VNode {
  return (
    <dl class="facts num">
      {facts.map(([name, value]) => (
        <>
          <dt key={`${name}-name`}>{name}</dt>
          <dd key={name}>{value}</dd>
        </>
      ))}
    </dl>
  )
}

/** What this page's ranks did in the run, once they reported it. */
function Contribution({ state }: Pick<ViewProps, 'state'>): VNode | null {
  const reports = myRanks(state).flatMap((rank) => state.run?.ranks[rank]?.report ?? [])
  if (reports.length === 0) return null
  const samples = reports.reduce((sum, report) => sum + report.samples, 0)
  const bytes = reports.reduce((sum, report) => sum + report.bytesSent, 0)
  return (
    <p class="num" data-testid="contribution">
      Contributed {formatCount(samples)} samples in {formatCount(Math.max(...reports.map((report) => report.steps)))}{' '}
      steps and sent {formatBytes(bytes)}.
    </p>
  )
}
