/** The notebook app: which notebook is open, by the address, and the first page when none is. */
import type { ComponentChildren, VNode } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { KernelPort } from '../kernel/port.ts'
import { AppState } from './app-state.ts'
import { Confirm } from './dialog.tsx'
import { type Example, Home } from './home.tsx'
import { NotebookPage } from './notebook-page.tsx'

export interface AppProps {
  port: KernelPort
  examples?: readonly Example[]
  /** The panel of the session's devices; none while there is no session. */
  devices?: ComponentChildren
  /** What a cell's launches show under its text. */
  runPanel?: (cellId: string) => ComponentChildren
  /** What the session has to say above everything, such as a lost server. */
  notice?: ComponentChildren
}

export function App({ port, examples = [], devices, runPanel, notice }: AppProps): VNode {
  const [state] = useState(() => new AppState(port))
  useEffect(() => state.start(), [state])
  const open = state.open.value
  const asked = state.removing.value
  return (
    <>
      {open === null ? (
        <Home
          examples={examples}
          notebooks={state.notebooks.value}
          storageProblem={state.storageProblem.value}
          problem={state.problem.value}
          notice={notice}
          onNew={() => void state.create()}
          onOpenFile={() => void state.chooseFile()}
          onExample={(example) => void state.startExample(example)}
          onOpen={(id) => void state.show(id)}
          onRemove={(record) => {
            state.removing.value = record
          }}
        />
      ) : (
        <>
          {notice}
          <NotebookPage
            key={open.document}
            open={open}
            devices={devices}
            runPanel={runPanel}
            examples={examples}
            onExample={(example) => void state.startExample(example)}
            onHome={() => void state.show(null)}
            onNew={() => void state.create()}
            onOpenFile={() => void state.chooseFile()}
            onOpen={(id) => void state.show(id)}
          />
        </>
      )}
      {asked !== null && (
        <Confirm
          title={`Delete ${asked.name}?`}
          text="The notebook and its history go from this browser. Files that you downloaded stay."
          action="Delete"
          onConfirm={() => void state.remove(asked)}
          onClose={() => {
            state.removing.value = null
          }}
        />
      )}
    </>
  )
}
