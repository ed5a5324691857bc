/** A state as shape, colour and word: no state is told by colour alone. Not for: sentences. */
import type { ComponentChildren, VNode } from 'preact'

export type Tone = 'ok' | 'wait' | 'work' | 'warn' | 'fail'

function shape(tone: Tone): VNode {
  switch (tone) {
    case 'ok':
      return <path d="M2 6.5 5 9.5 10.5 3" stroke-width="2" fill="none" stroke="currentColor" />
    case 'wait':
      return <circle cx="6" cy="6" r="4" stroke-width="1.75" stroke-dasharray="3 2" fill="none" stroke="currentColor" />
    case 'work':
      return <circle cx="6" cy="6" r="4.5" fill="currentColor" />
    case 'warn':
      return <path d="M6 1 11.5 11H.5z" fill="currentColor" />
    case 'fail':
      return <path d="M2 2 10 10M10 2 2 10" stroke-width="2.25" stroke="currentColor" />
    default:
      return tone satisfies never
  }
}

export function StatusMark({ tone, children }: { tone: Tone; children?: ComponentChildren }): VNode {
  return (
    <span class={`status tone-${tone}`}>
      <svg viewBox="0 0 12 12" aria-hidden="true">
        {shape(tone)}
      </svg>
      {children}
    </span>
  )
}
