/** The page's layout: which panels a state has and in what order. Not for: what they say (model/). */
import { formatCount, plural } from '@rondo/ui'
import type { VNode } from 'preact'
import type { JoinActions } from '../actions.ts'
import { statusOf } from '../model/status.ts'
import type { JoinParams } from '../params.ts'
import { type JoinState, myRanks } from '../state.ts'
import { ConsolePanel } from './console-panel.tsx'
import { DevicePanel } from './device-panel.tsx'
import { FailurePanel } from './failure-panel.tsx'
import { Header } from './header.tsx'
import { InsecureNotice } from './insecure-notice.tsx'
import { InvitePanel } from './invite-panel.tsx'
import { JoinCard } from './join-card.tsx'
import { PeoplePanel } from './people-panel.tsx'
import { ResultPanel } from './result-panel.tsx'
import { RingPanel } from './ring-panel.tsx'
import { StatusBar } from './status-bar.tsx'
import { TrainingPanel } from './training-panel.tsx'

export interface ViewProps {
  state: JoinState
  params: JoinParams
  /** Page clock, ms. */
  now: number
  actions: JoinActions
}

export function App(props: ViewProps): VNode {
  const { state, params, now } = props
  const status = statusOf(state, params, now)
  const known = state.snapshot !== null
  const inside = state.membership === 'in' || state.membership === 'joining'
  const runStatus = state.run?.state.status
  return (
    <>
      <Header {...props} />
      <main class={`layout${inside || runStatus !== undefined ? '' : ' layout-outside'}`}>
        <StatusBar {...props} status={status} />
        {known && !inside && runStatus !== 'running' && <JoinCard {...props} />}
        {runStatus === 'failed' && <FailurePanel {...props} />}
        {runStatus === 'done' && <ResultPanel {...props} />}
        {state.device?.webgpu === 'insecure' && <InsecureNotice {...props} />}
        {known && <RingPanel {...props} />}
        {known && (inside || state.run !== null) && <TrainingPanel {...props} />}
        {known && <PeoplePanel {...props} />}
        {known && <DevicePanel {...props} />}
        {known && <InvitePanel {...props} />}
        {state.run !== null && <ConsolePanel {...props} />}
      </main>
      <p class="visually-hidden" role="status" aria-live="polite">
        {status.headline} {myRanks(state).length > 0 && inside ? plural(myRanks(state).length, 'rank') : ''}
        {runStatus === 'running' && state.run ? ` step ${formatCount(Math.floor(state.run.step / 100) * 100)}` : ''}
      </p>
    </>
  )
}
