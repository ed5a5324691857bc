/** The sentence of the moment, who I am in it, and the buttons that can change it. */
import { RankChip, StatusMark } from '@rondo/ui'
import { hasEnded, myRanks } from '@rondo/ui/session'
import type { VNode } from 'preact'
import { useState } from 'preact/hooks'
import { rankList, type Status, startable } from '../model/status.ts'
import type { ViewProps } from './app.tsx'

export function StatusBar(props: ViewProps & { status: Status }): VNode {
  const { state, status } = props
  return (
    <section class={`statusbar statusbar-${status.tone}`} aria-label="Status">
      <div class="statusbar-text">
        <p class="headline" data-testid="status">
          <StatusMark tone={status.tone} />
          <span>{status.headline}</span>
        </p>
        <p class="soft num">{status.detail}</p>
        {state.membership === 'in' && <MyRank {...props} />}
        {state.notice !== null && (
          <p class="tone-fail" role="alert" data-testid="notice">
            {state.notice.message}
          </p>
        )}
      </div>
      {state.connection === 'closed' && state.refused === null ? (
        <button
          type="button"
          class="button button-primary"
          data-testid="reconnect"
          onClick={() => props.actions.reconnect()}
        >
          Connect again
        </button>
      ) : (
        state.membership === 'in' && <Buttons {...props} />
      )}
    </section>
  )
}

function MyRank({ state }: ViewProps): VNode {
  const ranks = myRanks(state)
  const member = state.snapshot?.members.find((candidate) => candidate.pageId === state.pageId)
  const seated = state.run?.state.seats.some((seat) => seat.pageId === state.pageId) === true
  return (
    <p class="my-rank num" data-testid="my-rank">
      {ranks.map((rank) => (
        <RankChip key={rank} rank={rank} />
      ))}
      <span>
        {ranks.length === 0
          ? 'You are here, but hold no rank in this run.'
          : `You ${seated ? 'are' : 'will be'} ${rankList(ranks)}`}
        {member && (
          <span class="soft">
            {' '}
            · node {member.nodeRank} · {member.nodeLabel}
          </span>
        )}
      </span>
    </p>
  )
}

function Buttons({ state, actions }: ViewProps): VNode {
  const { canStart, why } = startable(state)
  const live = state.run !== null && !hasEnded(state.run)
  return (
    <div class="buttons">
      {live ? (
        <StopButton ranks={state.run?.state.seats.length ?? 0} stop={() => actions.stop()} />
      ) : (
        <button
          type="button"
          class="button button-primary"
          data-testid="start-run"
          aria-disabled={!canStart}
          aria-describedby={canStart ? undefined : 'why-not'}
          title={why}
          onClick={() => canStart && actions.start()}
        >
          {state.run === null ? 'Start the run' : 'Start again'}
        </button>
      )}
      <button type="button" class="button" data-testid="leave" onClick={() => actions.leave()}>
        Leave
      </button>
      {!live && !canStart && (
        <span id="why-not" class="visually-hidden">
          {why}
        </span>
      )}
    </div>
  )
}

/** Stops everyone's run, so it asks once more in place; moving on takes the question back. */
function StopButton({ ranks, stop }: { ranks: number; stop(): void }): VNode {
  const [asked, setAsked] = useState(false)
  return (
    <button
      type="button"
      class={`button${asked ? ' button-danger' : ''}`}
      data-testid="stop-run"
      onClick={() => (asked ? stop() : setAsked(true))}
      onBlur={() => setAsked(false)}
    >
      {asked ? `Stop all ${ranks} ranks` : 'Stop the run'}
    </button>
  )
}
