/** Rondo's mark: a ring of three ranks, each handing on to the next. Decorative; the word stands beside it. */
import type { VNode } from 'preact'

export function Logo({ size = 24 }: { size?: number }): VNode {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <g fill="none" stroke="currentColor" stroke-width="3.2" stroke-linecap="round">
        <path d="M20.44 6.45A10.5 10.5 0 0 1 26.49 15.45" />
        <path d="M22.05 24.6A10.5 10.5 0 0 1 11.23 25.36" />
        <path d="M5.51 16.92A10.5 10.5 0 0 1 10.26 7.19" />
      </g>
      <circle cx="16" cy="5.5" r="3" fill="var(--accent)" />
      <circle cx="25.09" cy="21.25" r="3" fill="var(--accent)" />
      <circle cx="6.91" cy="21.25" r="3" fill="var(--accent)" />
    </svg>
  )
}
