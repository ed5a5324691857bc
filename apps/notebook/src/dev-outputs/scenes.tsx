/** The scenes of the fixtures page: every view of outputs, runs and devices in the states that people meet. */
import type { VNode } from 'preact'
import { useState } from 'preact/hooks'
import { DevicesPanel, type DevicesPanelProps } from '../devices/index.ts'
import type { CellOutput } from '../model/notebook.ts'
import { appendOutputs, type ErrorPlace, MarkdownView, OutputArea } from '../outputs/index.ts'
import { freezeRun, panelView, RunPanel } from '../run-panel/index.ts'
import { HOSTILE } from './hostile.ts'
import { NOW, RUNS, session } from './sessions.ts'
import * as values from './values.ts'

function Cell({ outputs, trusted = true }: { outputs: readonly CellOutput[]; trusted?: boolean }): VNode {
  const [place, setPlace] = useState<ErrorPlace | null>(null)
  return (
    <section class="dev-cell" aria-label="Cell">
      <OutputArea
        outputs={outputs}
        cellId="cell-a"
        trusted={trusted}
        running={false}
        sourceLine={(_, line) => values.SOURCE[line - 1] ?? null}
        onJump={setPlace}
      />
      {place !== null && <output data-testid="jumped">{`${place.cellId}:${place.line}:${place.column}`}</output>}
    </section>
  )
}

/** Lines on demand, with what appending and drawing them took. */
function LogScene(): VNode {
  const [outputs, setOutputs] = useState<readonly CellOutput[]>([])
  const [printed, setPrinted] = useState(0)
  const append = (lines: number) => {
    const text = Array.from({ length: lines }, (_, i) => `line ${printed + i}: loss 0.1234, accuracy 0.98\n`)
    setOutputs((before) =>
      appendOutputs(
        before,
        text.map((line) => ({ kind: 'stream', name: 'stdout', text: line })),
      ),
    )
    setPrinted(printed + lines)
  }
  return (
    <>
      <p>
        {[1, 10, 100, 1_000, 100_000].map((lines) => (
          <button type="button" class="button button-small" key={lines} onClick={() => append(lines)}>
            print {lines}
          </button>
        ))}
      </p>
      <Cell outputs={outputs} />
      <p data-testid="below">what stands below</p>
    </>
  )
}

/** A cell that runs again: its outputs go and come back. */
function RerunScene(): VNode {
  const [state, setState] = useState<'idle' | 'running'>('idle')
  const outputs = state === 'idle' ? [values.TENSOR, values.TABLE] : []
  return (
    <>
      <button type="button" class="button" onClick={() => setState(state === 'idle' ? 'running' : 'idle')}>
        {state === 'idle' ? 'Run' : 'Finish'}
      </button>
      <section class="dev-cell" aria-label="Cell">
        <OutputArea outputs={outputs} cellId="cell-a" trusted running={state === 'running'} />
      </section>
      <p data-testid="below">what stands below</p>
    </>
  )
}

const viewer = { pageId: 'here', clockSkew: 0, now: NOW + 26_000 }
const view = (name: string) => panelView(RUNS[name]!, viewer)

function Devices(props: Partial<DevicesPanelProps>): VNode {
  const [said, setSaid] = useState('')
  const [count, setCount] = useState(2)
  const tell = (what: string) => (pageId: string) => setSaid(`${what} ${pageId}`)
  return (
    <>
      <div class="dev-side">
        <DevicesPanel
          session={session(2, RUNS['training']!)}
          now={NOW + 26_000}
          connection="online"
          slots={{ count, max: 4 }}
          waiting={null}
          invite={{ link: 'https://192.0.2.10:29400/join/?session=quiet-fox-42#token=Jm3vT0aPq9Zr5bXw', local: false }}
          actions={{
            setSlots: setCount,
            setAsking: (asking) => setSaid(asking ? 'ask' : 'open'),
            admit: tell('admit'),
            remove: tell('remove'),
          }}
          {...props}
        />
      </div>
      <output data-testid="said">{said}</output>
    </>
  )
}

export const SCENES: Readonly<Record<string, () => VNode>> = {
  values: () => <Cell outputs={[values.INSPECTED, values.TENSOR, values.TABLE, values.JSON_VALUE, ...values.RANKS]} />,
  rich: () => <Cell outputs={[values.FRAME, values.MARKDOWN, values.SVG, values.PLOT, values.CHART]} />,
  text: () => <Cell outputs={[...values.STREAMS, ...values.ERRORS]} />,
  hostile: () => <Cell outputs={HOSTILE} />,
  untrusted: () => <Cell outputs={[...HOSTILE, values.FRAME, values.SVG, values.TENSOR]} trusted={false} />,
  markdown: () => (
    <section class="dev-cell" aria-label="Cell">
      <MarkdownView
        trusted={false}
        source={'# Title\n\n![kept](attachment:a.png) ![away](https://evil.example/a.png)\n\n[down](#Title)'}
        attachments={{
          'a.png': {
            'image/png':
              'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
          },
        }}
      />
    </section>
  ),
  log: () => <LogScene />,
  rerun: () => <RerunScene />,
  'run-waiting': () => <RunPanel view={view('waiting')} />,
  'run-function': () => <RunPanel view={view('function')} />,
  'run-training': () => <RunPanel view={view('training')} />,
  'run-done': () => <RunPanel view={view('done')} />,
  'run-failed': () => <RunPanel view={view('failed')} />,
  'run-frozen': () => (
    <Cell
      outputs={[
        { kind: 'display', data: JSON.parse(JSON.stringify(freezeRun(view('done')))), metadata: {}, displayId: null },
      ]}
    />
  ),
  devices: () => <Devices />,
  'devices-alone': () => (
    <Devices
      session={session(1, null)}
      waiting={{ call: 'fabric.launch(train)', asked: 4, here: 2, since: NOW + 13_000 }}
      invite={{ link: 'http://localhost:29400/join/?session=quiet-fox-42#token=Jm3vT0aPq9Zr5bXw', local: true }}
    />
  ),
  'devices-request': () => <Devices session={session(3, null, ['phone'])} />,
  'devices-offline': () => <Devices connection="closed" />,
}
