/** The ring's data as a table: for keyboards, screen readers and rings too large to read as a drawing. */
import type { VNode } from 'preact'
import { formatBytes, formatMs } from './format.ts'
import { pathName, type RingModel, seatStateText } from './ring-model.ts'
import { rankColour } from './series.ts'

export function RingTable({ model }: { model: RingModel }): VNode {
  return (
    <div class="ring-tables" data-testid="ring-table">
      <table>
        <caption class="visually-hidden">Ranks</caption>
        <thead>
          <tr>
            <th scope="col">Rank</th>
            <th scope="col">Node</th>
            <th scope="col">State</th>
          </tr>
        </thead>
        <tbody>
          {model.seats.map((seat) => (
            <tr key={seat.rank}>
              <th scope="row">
                <RankChip rank={seat.rank} />
              </th>
              <td>
                {seat.node}
                {seat.mine ? ' (this page)' : ''}
              </td>
              <td>{seatStateText(seat)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {model.links.length > 0 && (
        <table>
          <caption class="visually-hidden">Links</caption>
          <thead>
            <tr>
              <th scope="col">Link</th>
              <th scope="col">Carrier</th>
              <th scope="col" class="right">
                Throughput
              </th>
              <th scope="col" class="right">
                Round trip
              </th>
              <th scope="col" class="right">
                Sent
              </th>
            </tr>
          </thead>
          <tbody>
            {model.links.map((link) => (
              <tr key={`${link.from}-${link.to}`}>
                <th scope="row">
                  {link.from} → {link.to}
                </th>
                <td>{pathName(link)}</td>
                <td class="right">{link.throughput === null ? '–' : `${formatBytes(link.throughput)}/s`}</td>
                <td class="right">{link.roundTripMs === null ? '–' : formatMs(link.roundTripMs)}</td>
                <td class="right">{formatBytes(link.bytesSent)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </div>
  )
}

/** A rank's number beside its colour; used wherever a rank is named outside the ring. */
export function RankChip({ rank }: { rank: number }): VNode {
  return (
    <span class="rank-chip num">
      <span class="rank-dot" style={{ background: rankColour(rank) }} aria-hidden="true" />
      {rank}
    </span>
  )
}
