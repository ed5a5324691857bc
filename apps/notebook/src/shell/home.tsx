/** The first page: start an example, go on with a notebook of this browser, or open a file. */
import { formatAgo, Logo, plural, StatusMark, ThemeToggle } from '@rondo/ui'
import type { ComponentChildren, VNode } from 'preact'
import type { NotebookRecord } from '../storage/store.ts'

export interface Example {
  id: string
  title: string
  /** One sentence: what a person will see. */
  about: string
  /** The text of its .ipynb. */
  load(): Promise<string>
}

export interface HomeProps {
  examples: readonly Example[]
  /** null while the browser's storage is read. */
  notebooks: readonly NotebookRecord[] | null
  /** Why notebooks are not kept; null when they are. */
  storageProblem: string | null
  /** Why the last thing did not open. */
  problem: string | null
  onNew: () => void
  onOpenFile: () => void
  onExample: (example: Example) => void
  onOpen: (id: string) => void
  onRemove: (record: NotebookRecord) => void
  /** What the session has to say here, such as a lost server. */
  notice?: ComponentChildren
}

export function Home(props: HomeProps): VNode {
  const { examples, problem, storageProblem, notice, onNew, onOpenFile, onExample } = props
  return (
    <>
      <header class="bar">
        <div class="bar-name">
          <span class="home-brand">
            <Logo />
            Rondo
          </span>
        </div>
        <div class="bar-end">
          <ThemeToggle />
        </div>
      </header>
      <main class="home" data-testid="home">
        {notice}
        <div class="home-head">
          <h1>Notebooks</h1>
          <div class="home-actions">
            <button type="button" class="button" onClick={onOpenFile}>
              Open .ipynb
            </button>
            <button type="button" class="button button-primary" onClick={onNew}>
              New notebook
            </button>
          </div>
        </div>
        <p class="tone-fail home-problem" role="alert">
          {problem}
        </p>
        {examples.length > 0 && (
          <section aria-labelledby="examples">
            <h2 id="examples">Start with an example</h2>
            <ExampleList examples={examples} onExample={onExample} />
          </section>
        )}
        <section aria-labelledby="mine">
          <h2 id="mine">My notebooks</h2>
          {storageProblem !== null && (
            <p class="home-storage">
              <StatusMark tone="warn">not kept</StatusMark> {storageProblem}
            </p>
          )}
          <MyNotebooks {...props} />
        </section>
        <p class="soft">
          Notebooks stay in this browser until you download them. An .ipynb can also be dropped anywhere on this page.
        </p>
      </main>
    </>
  )
}

/** Also under the blank cell of a new notebook. */
export function ExampleList({ examples, onExample }: Pick<HomeProps, 'examples' | 'onExample'>): VNode {
  return (
    <ul class="home-examples">
      {examples.map((example) => (
        <li key={example.id}>
          <button type="button" class="home-example" onClick={() => onExample(example)}>
            <strong>{example.title}</strong>
            <span class="soft">{example.about}</span>
          </button>
        </li>
      ))}
    </ul>
  )
}

function MyNotebooks({ notebooks, onOpen, onRemove }: HomeProps): VNode {
  if (notebooks === null) {
    return (
      <p class="home-empty">
        <StatusMark tone="wait">looking into this browser’s storage</StatusMark>
      </p>
    )
  }
  if (notebooks.length === 0) {
    return <p class="home-empty soft">None yet. An example that you start becomes a notebook of your own.</p>
  }
  return (
    <ul class="home-list">
      {notebooks.map((record) => (
        <li key={record.id}>
          <button type="button" class="home-open" onClick={() => onOpen(record.id)}>
            <span class="home-name">{record.name}</span>
            <span class="soft num">
              {plural(record.cells, 'cell')} · {formatAgo(Date.now() - record.savedAt)} ago
              {record.trusted ? '' : ' · not trusted yet'}
            </span>
          </button>
          <button
            type="button"
            class="button button-small"
            aria-label={`Delete ${record.name}`}
            onClick={() => onRemove(record)}
          >
            Delete
          </button>
        </li>
      ))}
    </ul>
  )
}
