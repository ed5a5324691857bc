/** Earlier versions of the open notebook: when, how large, what they say, and one press to go back. */
import { plural } from '@rondo/ui'
import type { VNode } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { Notebook } from '../model/notebook.ts'
import type { Version } from '../storage/store.ts'
import { Sheet } from './dialog.tsx'
import type { OpenNotebook } from './open-notebook.ts'

const REASONS: Readonly<Record<Version['reason'], string>> = {
  saved: 'saved by you',
  auto: 'kept along the way',
  'before-restore': 'before a restore',
}
const TIME = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium' })

export function HistorySheet({ open, onClose }: { open: OpenNotebook; onClose: () => void }): VNode {
  const versions = open.record.value?.versions ?? []
  const [chosen, choose] = useState<number | null>(versions[0]?.at ?? null)
  const [problem, setProblem] = useState<string | null>(null)
  const restore = async () => {
    if (chosen === null) return
    try {
      await open.restore(chosen)
      onClose()
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error))
    }
  }
  if (versions.length === 0) {
    return (
      <Sheet title="History" onClose={onClose}>
        <p>Nothing is kept yet. A version is kept every two minutes while you work, and whenever you save.</p>
      </Sheet>
    )
  }
  return (
    <Sheet title="History" onClose={onClose} class="sheet-wide">
      <div class="history">
        <ul class="history-list">
          {versions.map((version) => (
            <li key={version.at}>
              <button type="button" aria-pressed={version.at === chosen} onClick={() => choose(version.at)}>
                <span class="num">{TIME.format(version.at)}</span>
                <span class="soft">
                  {plural(version.cells, 'cell')}, {REASONS[version.reason]}
                  {version.withoutOutputs ? ', without outputs' : ''}
                </span>
              </button>
            </li>
          ))}
        </ul>
        {chosen !== null && <Preview open={open} at={chosen} />}
      </div>
      {problem !== null && (
        <p class="tone-fail" role="alert">
          {problem}
        </p>
      )}
      <div class="sheet-actions">
        <button type="button" class="button button-primary" onClick={restore}>
          Restore this version
        </button>
        <span class="soft">What you have now is kept as a version too.</span>
      </div>
    </Sheet>
  )
}

function Preview({ open, at }: { open: OpenNotebook; at: number }): VNode {
  const [notebook, setNotebook] = useState<Notebook | null>(null)
  const id = open.record.value?.id ?? ''
  useEffect(() => {
    let wanted = true
    setNotebook(null)
    open.library.readVersion(id, at).then(
      (read) => wanted && setNotebook(read),
      () => undefined,
    )
    return () => {
      wanted = false
    }
  }, [at, id])
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it
    <section class="history-preview" aria-label="This version’s cells" tabIndex={0}>
      {notebook?.cells.map((cell) => (
        <pre key={cell.id}>{cell.source === '' ? ' ' : cell.source}</pre>
      ))}
    </section>
  )
}
