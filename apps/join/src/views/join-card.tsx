/** The invitation: who asks, what would run, what it may use, and one button. */
import { MAX_SLOTS_PER_PAGE } from '@rondo/protocol'
import type { VNode } from 'preact'
import { useState } from 'preact/hooks'
import { freeLabel, suggestedLabel } from '../model/device-label.ts'
import { MAX_LABEL_CHARS } from '../params.ts'
import { rememberedLabel, rememberLabel } from '../remember.ts'
import type { ViewProps } from './app.tsx'

export function JoinCard({ state, params, actions }: ViewProps): VNode {
  const taken = new Set(state.snapshot?.members.map((member) => member.nodeLabel))
  const own = params.label ?? rememberedLabel() ?? suggestedLabel(navigator.userAgent)
  const [label, setLabel] = useState(() => freeLabel(own, taken))
  const [slots, setSlots] = useState(params.slots)
  const [more, setMore] = useState(false)
  const { snapshot } = state
  const host = snapshot?.agents.find((agent) => agent.nodeRank === 0) ?? snapshot?.agents[0]
  const submit = (event: Event) => {
    event.preventDefault()
    actions.join(slots, label.trim() || suggestedLabel(navigator.userAgent))
  }
  return (
    <section class="panel join" aria-label="Join" data-testid="join-card">
      <dl class="facts">
        <dt>From</dt>
        <dd>{host ? `${host.label} (${host.host})` : new URL(params.server).host}</dd>
        <dt>Runs</dt>
        <dd>
          {snapshot?.offer ? (
            <>
              <code>{snapshot.offer.script}</code>
              {snapshot.offer.description !== '' && snapshot.offer.description !== snapshot.offer.script && (
                <span class="soft"> – {snapshot.offer.description}</span>
              )}
            </>
          ) : (
            <WhatRuns state={state} />
          )}
        </dd>
        <dt>May use</dt>
        <dd>
          this device’s graphics and processor, memory of this tab, and the network to the server and the other ranks.
        </dd>
        <dt>Cannot</dt>
        <dd>read your files, camera or other tabs. Closing this tab ends it.</dd>
      </dl>
      <form class="join-form" onSubmit={submit}>
        {more && (
          <div class="join-options">
            <label class="field">
              Name of this device
              <input
                class="input"
                value={label}
                maxLength={MAX_LABEL_CHARS}
                onInput={(event) => {
                  setLabel(event.currentTarget.value)
                  rememberLabel(event.currentTarget.value)
                }}
              />
            </label>
            <label class="field">
              Ranks to bring
              <input
                class="input num"
                type="number"
                min={1}
                max={MAX_SLOTS_PER_PAGE}
                value={slots}
                onInput={(event) => setSlots(clampSlots(event.currentTarget.valueAsNumber))}
              />
            </label>
          </div>
        )}
        <button type="submit" class="button button-primary button-large" data-testid="join">
          Join
        </button>
        {!more && (
          <p class="soft join-as num">
            as “{label}” with {slots === 1 ? 'one rank' : `${slots} ranks`}{' '}
            <button type="button" class="link" onClick={() => setMore(true)}>
              change
            </button>
          </p>
        )}
      </form>
    </section>
  )
}

function WhatRuns({ state }: Pick<ViewProps, 'state'>): VNode {
  const config = state.run?.state.config
  return config ? <code>{config.script.name}</code> : <span class="soft">nothing is offered yet</span>
}

function clampSlots(value: number): number {
  return Number.isNaN(value) ? 1 : Math.min(MAX_SLOTS_PER_PAGE, Math.max(1, Math.floor(value)))
}
