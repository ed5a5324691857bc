/** How far something is, with words beside the bar. An unknown end shows as an empty track, not as a guess. */
import type { VNode } from 'preact'

export function ProgressBar({ share, label, text }: { share: number | null; label: string; text: string }): VNode {
  const percent = share === null ? null : Math.round(Math.min(1, Math.max(0, share)) * 1000) / 10
  return (
    <div class="progress">
      <div
        class="progress-track"
        role="progressbar"
        aria-label={label}
        aria-valuetext={text}
        aria-valuemin={0}
        aria-valuemax={100}
        {...(percent === null ? {} : { 'aria-valuenow': percent })}
        tabIndex={-1}
      >
        <span class="progress-fill" style={{ transform: `scaleX(${(percent ?? 0) / 100})` }} />
      </div>
      <span class="progress-text num">{text}</span>
    </div>
  )
}
