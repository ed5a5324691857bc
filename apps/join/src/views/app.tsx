/** The page's layout: which panels a state has and in what order. Not for: what they say (model/). */
import { formatCount } from '@rondo/ui'
import { hasEnded } from '@rondo/ui/session'
import type { VNode } from 'preact'
import type { JoinActions } from '../actions.ts'
import { statusOf } from '../model/status.ts'
import type { JoinParams } from '../params.ts'
import type { JoinState } from '../state.ts'
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
  const inside = state.membership === 'in' || state.membership === 'joining'
  const runStatus = state.run?.state.status
  const watching = runStatus !== undefined && runStatus !== 'waiting'
  return (
    <>
      <Header {...props} />
      <main class="layout">
        <StatusBar {...props} status={status} />
        {state.device?.webgpu === 'insecure' && <InsecureNotice {...props} />}
        {runStatus === 'failed' && <FailurePanel {...props} />}
        {runStatus === 'done' && <ResultPanel {...props} />}
        {state.snapshot !== null && (inside || watching ? <Inside {...props} /> : <Outside {...props} />)}
      </main>
      <p class="visually-hidden" role="status">
        {status.headline}
        {runStatus === 'running' && state.run ? ` Step ${formatCount(spokenStep(state.run.step))}.` : ''}
      </p>
    </>
  )
}

/** The invitation beside those who are here already. */
function Outside(props: ViewProps): VNode {
  return (
    <div class="board board-outside">
      <div class="stack">
        <JoinCard {...props} />
        <DevicePanel {...props} />
      </div>
      <div class="stack">
        <RingPanel {...props} />
        <PeoplePanel {...props} />
      </div>
    </div>
  )
}

/** Everything about the session and its run. */
function Inside(props: ViewProps): VNode {
  const { state } = props
  return (
    <>
      {state.membership !== 'in' && state.membership !== 'joining' && hasNoLiveRun(state) && <JoinCard {...props} />}
      <div class="board board-inside">
        <RingPanel {...props} />
        <TrainingPanel {...props} />
        <div class="stack side">
          <PeoplePanel {...props} />
          <DevicePanel {...props} />
          <InvitePanel {...props} />
        </div>
        <ConsolePanel {...props} />
      </div>
    </>
  )
}

function hasNoLiveRun({ run }: JoinState): boolean {
  return run === null || hasEnded(run)
}

/** Screen readers hear of every hundredth step only. */
function spokenStep(step: number): number {
  return Math.floor(step / 100) * 100
}
