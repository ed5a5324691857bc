/**
 * The ring: ranks on a circle, arrows in the direction of travel, links by carrier, throughput and round
 * trip. A drawing for eyes; ring-table.tsx carries the same data for everyone. Not for: gathering data.
 */
import type { VNode } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { formatMs } from './format.ts'
import { layoutRing, linkWidth, MAX_LABELLED_SEATS, type RingLayout } from './ring-geometry.ts'
import { linkFrom, linkText, type RingModel, type RingSeat, seatText } from './ring-model.ts'
import { carrierColour, carrierCore, carrierDash, carrierName, rankColour, rankDash } from './series.ts'

/** Milliseconds between two pulses: at most twice a second, however fast the steps are. */
const PULSE_INTERVAL_MS = 500
export interface RingProps {
  model: RingModel
  /** One or two short lines in the middle. */
  centre: { title: string; detail: string }
  /** Grows with every step; null when nothing travels. */
  beat: number | null
}

export function Ring({ model, centre, beat }: RingProps): VNode {
  const [shown, setShown] = useState<string | null>(null)
  const count = model.seats.length
  const ring = layoutRing(count)
  const pulse = usePulse(beat)
  const { width, height } = ring
  const label = count === 0 ? 'Ring without ranks' : `Ring of ${count} ranks; the table view lists every link`
  return (
    <figure class="ring" data-testid="ring">
      {/* biome-ignore lint/a11y/useSemanticElements: a drawing with focusable parts has no HTML element of its own */}
      <svg viewBox={`${-width / 2} ${-height / 2} ${width} ${height}`} role="group" aria-label={label}>
        {count < 2 && <circle class="ring-track" r={ring.radius} />}
        {ring.arcs.map((_, index) => (
          <Arc key={index} index={index} ring={ring} model={model} show={setShown} />
        ))}
        {pulse > 0 && count > 1 && <circle key={pulse} class="ring-pulse" r={ring.radius} pathLength="100" />}
        {model.seats.map((seat, index) => (
          <Seat key={seat.rank} seat={seat} index={index} ring={ring} show={setShown} />
        ))}
        <text class="ring-title" y="0" text-anchor="middle">
          {centre.title}
        </text>
        <text class="ring-detail" y="20" text-anchor="middle">
          {centre.detail}
        </text>
      </svg>
      <figcaption class="ring-caption num">{shown ?? <Legend model={model} />}</figcaption>
    </figure>
  )
}

interface PartProps {
  index: number
  ring: RingLayout
  show(text: string | null): void
}

function hover(text: string, show: PartProps['show']) {
  return {
    onPointerEnter: () => show(text),
    onPointerLeave: () => show(null),
    onFocus: () => show(text),
    onBlur: () => show(null),
    tabIndex: 0,
    role: 'img',
    'aria-label': text,
  } as const
}

function Arc({ index, ring, model, show }: PartProps & { model: RingModel }): VNode | null {
  const arc = ring.arcs[index]
  if (!arc) return null
  const link = linkFrom(model, index)
  if (!link) {
    return <path class="ring-track" d={arc.path} />
  }
  const width = linkWidth(link.throughput)
  const broken = [index, (index + 1) % model.seats.length].some((i) => isGone(model.seats[i]))
  const head = 4.5 + width * 0.7
  const colour = carrierColour(link.carrier)
  return (
    <g class={`ring-link${broken ? ' ring-broken' : ''}`} {...hover(linkText(link), show)}>
      <path class="ring-hit" d={arc.path} />
      <path class="ring-halo" d={arc.path} stroke-width={width + 6} />
      <path
        class="ring-wire"
        d={arc.path}
        stroke={colour}
        stroke-width={width}
        stroke-dasharray={carrierDash(link.carrier)}
      />
      {carrierCore(link.carrier) > 0 && (
        <path class="ring-core" d={arc.path} stroke-width={width * carrierCore(link.carrier)} />
      )}
      <path
        d={`M${-head} ${-head * 0.8}L${head} 0L${-head} ${head * 0.8}z`}
        transform={`translate(${arc.head.x} ${arc.head.y}) rotate(${arc.head.degrees})`}
        fill={colour}
      />
      {link.roundTripMs !== null && model.seats.length <= MAX_LABELLED_SEATS && (
        <text class="ring-trip" x={arc.label.x} y={arc.label.y + 4} text-anchor={arc.anchor}>
          {formatMs(link.roundTripMs)}
        </text>
      )}
    </g>
  )
}

function isGone(seat: RingSeat | undefined): boolean {
  return seat?.state === 'lost' || seat?.state === 'failed'
}

function Seat({ seat, index, ring, show }: PartProps & { seat: RingSeat }): VNode | null {
  const place = ring.seats[index]
  if (!place) return null
  const r = ring.seatRadius
  const labelled = ring.seats.length <= MAX_LABELLED_SEATS
  const { room } = place
  const node = seat.node.length > room ? `${seat.node.slice(0, room - 1).trimEnd()}…` : seat.node
  const shift = place.label.y < -60 ? -14 : place.label.y > 60 ? 14 : 0
  return (
    <g class={`ring-seat ring-${seat.state}${seat.mine ? ' ring-mine' : ''}`} {...hover(seatText(seat), show)}>
      <g transform={`translate(${place.at.x} ${place.at.y})`} style={{ color: rankColour(seat.rank) }}>
        {seat.mine && <circle class="ring-own" r={r + 4} />}
        <circle class="ring-body" r={r} stroke-dasharray={rankDash(seat.rank)} />
        {isGone(seat) && <path class="ring-cross" d={`M${-r} ${-r}L${r} ${r}M${r} ${-r}L${-r} ${r}`} />}
        {labelled && (
          <text class="ring-rank" y="5.5" text-anchor="middle">
            {seat.rank}
          </text>
        )}
      </g>
      {labelled && (
        <text class="ring-node" x={place.label.x} y={place.label.y + 4 + shift} text-anchor={place.anchor}>
          {seat.mine ? 'you' : node}
        </text>
      )}
    </g>
  )
}

function Legend({ model }: { model: RingModel }): VNode {
  const carriers = [...new Set(model.links.map((link) => link.carrier))]
  if (carriers.length === 0) return <span class="soft">Links appear here as soon as ranks connect.</span>
  return (
    <span class="ring-legend">
      {carriers.map((carrier) => (
        <span key={carrier}>
          <svg width="22" height="8" aria-hidden="true">
            <path
              d="M0 4H22"
              stroke={carrierColour(carrier)}
              stroke-width="4"
              stroke-dasharray={carrierDash(carrier)}
            />
            {carrierCore(carrier) > 0 && <path class="ring-core" d="M0 4H22" stroke-width={4 * carrierCore(carrier)} />}
          </svg>
          {carrierName(carrier)}
        </span>
      ))}
    </span>
  )
}

/** Counts pulses: one per new beat, never sooner than the interval after the last one. */
function usePulse(beat: number | null): number {
  const [pulse, setPulse] = useState(0)
  const last = useRef(Number.NEGATIVE_INFINITY)
  useEffect(() => {
    if (beat === null || beat === 0) return
    const now = performance.now()
    if (now - last.current < PULSE_INTERVAL_MS) return
    last.current = now
    setPulse((n) => n + 1)
  }, [beat])
  return beat === null ? 0 : pulse
}
