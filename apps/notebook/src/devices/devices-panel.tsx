/**
 * The side panel "Devices": what this page brings, who has joined, who waits for a yes, who is missing, and the way
 * in for others. Not for: gathering any of it, or the panel's place on the page.
 */
import { CopyField, formatDuration, formatFigure, PeopleList, plural, QrCode, StatusMark, type Tone } from '@rondo/ui'
import { type NodeEntry, nodesOf, type SessionView } from '@rondo/ui/session'
import type { VNode } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { RemoveButton } from './remove-button.tsx'
import { StepTimes } from './step-times.tsx'
import './devices.css'

/** What a person can do in the panel; called without a receiver. */
export interface DeviceActions {
  /** How many ranks this page can run; takes effect when no run uses them. */
  setSlots: (slots: number) => void
  /** Whether machines that join from now on wait for a person's yes. */
  setAsking: (asking: boolean) => void
  /** Lets a page that waits take part. */
  admit: (pageId: string) => void
  /** Sends a page away for this session. */
  remove: (pageId: string) => void
}

export interface DevicesPanelProps {
  /**
   * `run`: the job that was launched last, as its panel knows it, and null before the first; the run of warm ranks
   * itself would show them at work for ever.
   */
  session: SessionView
  /** Page clock, ms. */
  now: number
  connection: 'connecting' | 'online' | 'offline' | 'closed'
  /** Slots of this page, and the most it may have. */
  slots: { count: number; max: number }
  /** What a launch waits for; null when none does. `since` on the page's clock, ms. */
  waiting: { call: string; asked: number; here: number; since: number } | null
  /** Join link for other machines; `local`: it works on this machine only. Null before it is known. */
  invite: { link: string; local: boolean } | null
  actions: DeviceActions
}

export function DevicesPanel(props: DevicesPanelProps): VNode {
  const { session, now, connection, waiting, actions } = props
  const nodes = nodesOf(session, now)
  const others = nodes.filter((node) => !node.mine && node.admitted)
  const { tone, text } = connectionText(connection)
  return (
    <section class="devices" aria-label="Devices" data-testid="devices">
      <div class="panel-head">
        <h2>Devices</h2>
        <StatusMark tone={tone}>{text}</StatusMark>
      </div>
      {connection === 'closed' && <p>Open the notebook by the link that “npm start” printed last.</p>}
      {waiting !== null && (
        <p class="devices-waiting" role="status" data-testid="devices-waiting">
          <StatusMark tone="wait" /> <code>{waiting.call}</code> asks for {plural(waiting.asked, 'device')};{' '}
          {waiting.here} {waiting.here === 1 ? 'is' : 'are'} here. Waiting for {waiting.asked - waiting.here} since{' '}
          <span class="num">{formatDuration(now - waiting.since)}</span>: add slots below or let another machine join.
        </p>
      )}
      <OwnSlots {...props} nodes={nodes} />
      {nodes
        .filter((node) => !node.admitted)
        .map((node) => (
          <Request key={node.key} node={node} actions={actions} />
        ))}
      {others.length > 0 && <PeopleList nodes={others} more={(node) => <NodeFoot node={node} actions={actions} />} />}
      {others.length === 0 && <p class="soft">No other machine has joined. The link below lets one in.</p>}
      <StepTimes run={session.run} />
      <Invite invite={props.invite} asking={session.snapshot?.admission === 'ask'} actions={actions} />
    </section>
  )
}

function connectionText(connection: DevicesPanelProps['connection']): { tone: Tone; text: string } {
  switch (connection) {
    case 'connecting':
      return { tone: 'wait', text: 'connecting' }
    case 'online':
      return { tone: 'ok', text: 'connected' }
    case 'offline':
      return { tone: 'warn', text: 'reconnecting' }
    case 'closed':
      return { tone: 'fail', text: 'not connected' }
    default:
      return connection satisfies never
  }
}

/** This page and its stepper. */
function OwnSlots({ slots, actions, nodes }: DevicesPanelProps & { nodes: readonly NodeEntry[] }): VNode {
  const own = nodes.filter((node) => node.mine)
  const { count, max } = slots
  return (
    <div class="devices-own">
      {own.length > 0 ? (
        <PeopleList nodes={own} more={(node) => <NodeFoot node={node} actions={null} />} />
      ) : (
        <p class="person-name">This page</p>
      )}
      <div class="stepper">
        <span id="slots-label">Ranks that this page can run</span>
        <span class="stepper-buttons">
          <button
            type="button"
            class="button button-small"
            aria-label="One rank fewer"
            disabled={count <= 0}
            onClick={() => actions.setSlots(count - 1)}
          >
            −
          </button>
          <output class="num" aria-labelledby="slots-label" data-testid="slots">
            {count}
          </output>
          <button
            type="button"
            class="button button-small"
            aria-label="One rank more"
            disabled={count >= max}
            onClick={() => actions.setSlots(count + 1)}
          >
            +
          </button>
        </span>
      </div>
    </div>
  )
}

function NodeFoot({ node, actions }: { node: NodeEntry; actions: DeviceActions | null }): VNode | null {
  const { samplesPerSecond, pageIds, label } = node
  if (samplesPerSecond === null && (actions === null || pageIds.length === 0)) return null
  return (
    <div class="person soft num">
      <span>
        {samplesPerSecond === null ? 'speed not measured yet' : `${formatFigure(samplesPerSecond)} samples/s`}
      </span>
      {actions !== null && pageIds.length > 0 && (
        <RemoveButton label={label} remove={() => forEachPage(node, actions.remove)} />
      )}
    </div>
  )
}

function forEachPage({ pageIds }: NodeEntry, act: (pageId: string) => void): void {
  for (const pageId of pageIds) act(pageId)
}

/** A page that wants to take part. */
function Request({ node, actions }: { node: NodeEntry; actions: DeviceActions }): VNode {
  return (
    <section class="devices-request" aria-label={`${node.label} wants to join`} data-testid="devices-request">
      <p>
        <strong>{node.label}</strong> wants to join.
      </p>
      <p class="soft">
        {plural(node.slots, 'rank')} · {node.device}
      </p>
      <div class="devices-buttons">
        <button
          type="button"
          class="button button-small button-primary"
          onClick={() => forEachPage(node, actions.admit)}
        >
          Let in
        </button>
        <button type="button" class="button button-small" onClick={() => forEachPage(node, actions.remove)}>
          Send away
        </button>
      </div>
    </section>
  )
}

interface InviteProps extends Pick<DevicesPanelProps, 'invite' | 'actions'> {
  asking: boolean
}

function Invite({ invite, asking, actions }: InviteProps): VNode | null {
  if (invite === null) return null
  return (
    <div class="devices-invite">
      <h2>Add a machine</h2>
      {!invite.local && <QrCode text={invite.link} label="QR code of the join link" />}
      <CopyField text={invite.link} label="Join link" />
      <p class="soft">
        {invite.local
          ? 'This link works on this machine only. The terminal shows the link for others.'
          : `Whoever has this link can ${asking ? 'ask to take part' : 'compute here'}. Share it with people you trust.`}
      </p>
      <AskSwitch asking={asking} setAsking={actions.setAsking} />
    </div>
  )
}

/** Shows what was chosen at once; the server's answer comes a moment later. */
function AskSwitch({ asking, setAsking }: { asking: boolean; setAsking: DeviceActions['setAsking'] }): VNode {
  const [wanted, setWanted] = useState(asking)
  useEffect(() => setWanted(asking), [asking])
  const change = (checked: boolean): void => {
    setWanted(checked)
    setAsking(checked)
  }
  return (
    <label class="devices-ask">
      <input type="checkbox" checked={wanted} onChange={(event) => change(event.currentTarget.checked)} />
      Ask me before a machine takes part
    </label>
  )
}
