/** A failed run: what happened and to whom, what survived, what to do, and the record for whoever digs. */
import type { VNode } from 'preact'
import { explainFailure } from '../model/failure.ts'
import type { ViewProps } from './app.tsx'
import { Facts } from './device-panel.tsx'
import { FileLinks } from './file-links.tsx'

export function FailurePanel({ state, params }: ViewProps): VNode | null {
  if (state.run === null) return null
  const failure = explainFailure(state.run)
  return (
    <section class="panel area-outcome failure" aria-label="Failure" data-testid="failure">
      <p class="failure-message">{failure.message}</p>
      <dl class="facts">
        <dt>Survived</dt>
        <dd>{failure.survived}</dd>
        <dt>Next</dt>
        <dd>{failure.todo}</dd>
        <dt>Files</dt>
        <dd>
          <FileLinks runId={state.run.state.runId} params={params} />
        </dd>
      </dl>
      <details class="fold">
        <summary>Details</summary>
        <Facts facts={failure.record} />
        {failure.stack !== null && <pre class="trace">{failure.stack}</pre>}
      </details>
    </section>
  )
}
