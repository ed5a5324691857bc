/** Who gathers here and how many are ready, on one line that never moves. */
import { Logo, StatusMark, ThemeToggle } from '@rondo/ui'
import { hasEnded } from '@rondo/ui/session'
import type { VNode } from 'preact'
import type { JoinState } from '../state.ts'
import type { ViewProps } from './app.tsx'

export function Header({ state, params }: Pick<ViewProps, 'state' | 'params'>): VNode {
  const ready = readiness(state)
  return (
    <header class="header">
      <a class="brand" href="/join/">
        <Logo />
        <span class="brand-name">Rondo</span>
      </a>
      {params.session !== null && (
        <h1 class="session">
          <span class="soft">session</span> {params.session}
        </h1>
      )}
      <div class="header-end num">
        {ready !== null && <span data-testid="ready">{ready}</span>}
        {params.session !== null && <Connection state={state} />}
        <ThemeToggle />
      </div>
    </header>
  )
}

function Connection({ state }: { state: JoinState }): VNode {
  if (state.refused !== null)
    return (
      <StatusMark tone="fail">
        <span class="status-word">refused</span>
      </StatusMark>
    )
  if (state.connection === 'online')
    return (
      <StatusMark tone="ok">
        <span class="status-word">online</span>
      </StatusMark>
    )
  if (state.connection === 'offline')
    return (
      <StatusMark tone="warn">
        <span class="status-word">offline</span>
      </StatusMark>
    )
  return (
    <StatusMark tone="wait">
      <span class="status-word">connecting</span>
    </StatusMark>
  )
}

function readiness({ snapshot, run }: JoinState): string | null {
  if (run === null || hasEnded(run)) return snapshot === null ? null : `${snapshot.members.length} here`
  const { seats, status } = run.state
  const there =
    status === 'waiting'
      ? seats.filter((seat) => seat.memberId !== null)
      : seats.filter((seat) => seat.state === 'running' || seat.state === 'done')
  return `${there.length} of ${seats.length} ready`
}
