/** A finished run: its metrics, its files, and what to do next. */

import { headlineMetrics, metricName, metricText } from '@rondo/ui/session'
import type { VNode } from 'preact'
import type { ViewProps } from './app.tsx'
import { FileLinks } from './file-links.tsx'

export function ResultPanel({ state, params }: ViewProps): VNode | null {
  const { run } = state
  if (run === null) return null
  const metrics = headlineMetrics(run.metrics)
  return (
    <section class="panel area-outcome result" aria-label="Result" data-testid="result">
      {metrics.length > 0 && (
        <dl class="tiles num">
          {metrics.map(([name, value]) => (
            <div key={name}>
              <dt>{metricName(name)}</dt>
              <dd data-testid={`metric-${name}`}>{metricText(name, value)}</dd>
            </div>
          ))}
        </dl>
      )}
      <dl class="facts">
        <dt>Files</dt>
        <dd>
          <FileLinks runId={run.state.runId} params={params} />
        </dd>
        <dt>Next</dt>
        <dd>
          {state.snapshot?.controlled
            ? 'Start again with whoever is here, or invite more devices first.'
            : 'The files stay on the main machine; you may close this tab.'}
        </dd>
      </dl>
    </section>
  )
}
