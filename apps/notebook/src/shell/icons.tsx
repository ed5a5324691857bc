/** The few signs of the notebook's bars, drawn on 16 × 16. Decorative: a word or a label stands with each. */
import type { VNode } from 'preact'

const PATHS = {
  run: <path d="M4.5 2.5v11l9-5.5z" fill="currentColor" />,
  stop: <rect x="3.5" y="3.5" width="9" height="9" rx="1.5" fill="currentColor" />,
  restart: <path d="M13 8a5 5 0 1 1-1.6-3.7M13 2v3h-3" />,
  menu: <path d="M2.5 4h11M2.5 8h11M2.5 12h11" />,
  more: <path d="M3 8h.01M8 8h.01M13 8h.01" stroke-width="2.5" />,
  up: <path d="M8 13V3M4 7l4-4 4 4" />,
  down: <path d="M8 3v10M4 9l4 4 4-4" />,
  add: <path d="M8 3v10M3 8h10" />,
  fold: <path d="M4 6l4 4 4-4" />,
  unfold: <path d="M6 4l4 4-4 4" />,
  devices: <path d="M2 3.5h9v6H2zM5 12.5h3M12 6.5h2.5v6H10v-3" />,
} as const

export type IconName = keyof typeof PATHS

export function Icon({ name }: { name: IconName }): VNode {
  return (
    <svg
      width="16"
      height="16"
      viewBox="0 0 16 16"
      aria-hidden="true"
      fill="none"
      stroke="currentColor"
      stroke-width="1.5"
      stroke-linecap="round"
      stroke-linejoin="round"
    >
      {PATHS[name]}
    </svg>
  )
}
