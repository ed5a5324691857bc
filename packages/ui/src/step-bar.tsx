/**
 * Where a step's time goes, as two lanes on one time axis: the device above, the network below. What of the
 * communication runs beneath the device's lane is hidden; what sticks out is waited for.
 */
import type { StepTimes } from '@rondo/protocol'
import type { VNode } from 'preact'
import { formatFigure, formatMs } from './format.ts'

export interface StepBarProps {
  /** Milliseconds of one step; null before the first. */
  times: StepTimes | null
  /** Milliseconds of communication that ran behind compute and readback. */
  hiddenMs: number
}

interface Part {
  name: 'compute' | 'readback' | 'communication' | 'apply'
  from: number
  ms: number
}

/** Lays the parts of a step on its time axis, in milliseconds. Exported for the test. */
export function stepParts(times: StepTimes, hiddenMs: number): { device: Part[]; network: Part[]; span: number } {
  const { compute, readback, communication, apply } = times
  const hidden = Math.max(0, Math.min(hiddenMs, communication, compute + readback))
  const busy = compute + readback
  const applyFrom = busy + communication - hidden
  return {
    device: [
      { name: 'compute', from: 0, ms: compute },
      { name: 'readback', from: compute, ms: readback },
      { name: 'apply', from: applyFrom, ms: apply },
    ],
    network: [{ name: 'communication', from: busy - hidden, ms: communication }],
    span: applyFrom + apply,
  }
}

export function StepBar({ times, hiddenMs }: StepBarProps): VNode {
  const hidden = times ? Math.min(hiddenMs, times.communication) : 0
  return (
    <div class="step" data-testid="step-bar">
      <StepLanes times={times} hiddenMs={hiddenMs} labelled />
      <ul class="step-legend num">
        {(['compute', 'readback', 'communication', 'apply'] as const).map((name) => (
          <li key={name}>
            <span class={`step-key step-${name}`} aria-hidden="true" />
            <span class="soft">{name}</span> {times ? formatFigure(times[name]) : '–'}
            {name === 'communication' && times && hidden > 0 && (
              <span class="soft"> ({formatFigure(hidden)} hidden)</span>
            )}
          </li>
        ))}
        <li class="step-total">
          <span class="soft">step</span> {times ? formatMs(times.total) : '–'}
        </li>
      </ul>
    </div>
  )
}

/** The two lanes alone, for lists of many ranks whose legend stands elsewhere. */
export function StepLanes({ times, hiddenMs, labelled = false }: StepBarProps & { labelled?: boolean }): VNode {
  const parts = times ? stepParts(times, hiddenMs) : null
  return (
    <div class={labelled ? 'step-lanes' : 'step-lanes step-lanes-bare'} aria-hidden="true">
      {(['device', 'network'] as const).map((lane) => (
        <div class="step-lane" key={lane}>
          {labelled && <span class="soft">{lane}</span>}
          <div class="step-track">
            {parts?.[lane].map((part) => (
              <span
                key={part.name}
                class={`step-part step-${part.name}`}
                style={{ left: share(part.from, parts.span), width: share(part.ms, parts.span) }}
              />
            ))}
          </div>
        </div>
      ))}
    </div>
  )
}

function share(ms: number, span: number): string {
  return `${span > 0 ? (100 * ms) / span : 0}%`
}
