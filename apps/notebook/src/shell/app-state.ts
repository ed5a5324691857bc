/** What the app shows: the list of notebooks or one that is open, kept in step with the address (`?notebook=<id>`). */
import { signal } from '@preact/signals'
import type { KernelPort } from '../kernel/port.ts'
import { blankCell } from '../model/cell.ts'
import { readNotebook } from '../model/nbformat/read.ts'
import { RONDO_METADATA } from '../model/nbformat/write.ts'
import { NotebookLibrary } from '../storage/library.ts'
import type { NotebookRecord } from '../storage/store.ts'
import { chooseFile, type ReadFile, readFile } from './files.ts'
import type { Example } from './home.tsx'
import { OpenNotebook } from './open-notebook.ts'

const PARAMETER = 'notebook'

export class AppState {
  readonly open = signal<OpenNotebook | null>(null)
  readonly notebooks = signal<readonly NotebookRecord[] | null>(null)
  readonly problem = signal<string | null>(null)
  readonly storageProblem = signal<string | null>(null)
  /** The notebook that is to be deleted if the reader says yes. */
  readonly removing = signal<NotebookRecord | null>(null)
  readonly #port: KernelPort
  readonly #library = NotebookLibrary.open()

  constructor(port: KernelPort) {
    this.#port = port
  }

  /** Shows what the address says and follows it; returns the end of that. */
  start(): () => void {
    const follow = () => void this.#showAddressed()
    follow()
    addEventListener('popstate', follow)
    const stopDrops = this.#takeDrops()
    return () => {
      removeEventListener('popstate', follow)
      stopDrops()
    }
  }

  /** Opens a notebook of this browser; null for the first page. */
  show(id: string | null): Promise<void> {
    return this.#try(async () => {
      // Loading the same notebook again means: take what is stored.
      const url = new URL(location.href)
      if (url.searchParams.get(PARAMETER) !== id) {
        if (id === null) url.searchParams.delete(PARAMETER)
        else url.searchParams.set(PARAMETER, id)
        history.pushState(null, '', url)
      }
      await this.#showAddressed()
    })
  }

  create(): Promise<void> {
    return this.#try(async () => {
      const library = await this.#library
      const name = `untitled-${((await library.list()).length + 1).toString()}.ipynb`
      const record = await library.create({ cells: [blankCell()], metadata: RONDO_METADATA }, { name, trusted: true })
      await this.show(record.id)
    })
  }

  startExample(example: Example): Promise<void> {
    return this.#try(async () => {
      const { notebook } = readNotebook(await example.load())
      const record = await (await this.#library).create(notebook, { name: `${example.id}.ipynb`, trusted: true })
      await this.show(record.id)
    })
  }

  async chooseFile(): Promise<void> {
    const file = await chooseFile()
    if (file !== null) await this.openFile(file)
  }

  /** A sound file becomes a notebook of this browser, not trusted yet; a damaged or newer one is only shown. */
  openFile(file: File): Promise<void> {
    return this.#try(async () => {
      const read = await readFile(file)
      if (read.problems.length > 0) return this.#showReadOnly(read)
      const record = await (await this.#library).create(read.notebook, { name: read.name, trusted: false })
      await this.show(record.id)
    })
  }

  remove(record: NotebookRecord): Promise<void> {
    return this.#try(async () => {
      await (await this.#library).remove(record.id)
      await this.#list()
    })
  }

  /** A file may be dropped anywhere on the page. */
  #takeDrops(): () => void {
    const onDrag = (event: DragEvent) => {
      if (event.dataTransfer?.types.includes('Files') === true) event.preventDefault()
    }
    const onDrop = (event: DragEvent) => {
      const file = event.dataTransfer?.files[0]
      if (file === undefined) return
      event.preventDefault()
      void this.openFile(file)
    }
    addEventListener('dragover', onDrag)
    addEventListener('drop', onDrop)
    return () => {
      removeEventListener('dragover', onDrag)
      removeEventListener('drop', onDrop)
    }
  }

  async #showReadOnly(read: ReadFile): Promise<void> {
    const library = await this.#library
    await this.#replace(new OpenNotebook({ library, port: this.#port, record: null, ...read }))
  }

  async #showAddressed(): Promise<void> {
    const library = await this.#library
    this.storageProblem.value = library.problem?.message ?? null
    const id = new URL(location.href).searchParams.get(PARAMETER)
    if (id === null) {
      await this.#replace(null)
      return this.#list()
    }
    try {
      const { record, notebook } = await library.read(id)
      await this.#replace(new OpenNotebook({ library, port: this.#port, notebook, record }))
    } catch (error) {
      await this.#replace(null)
      await this.#list()
      this.problem.value = error instanceof Error ? error.message : String(error)
    }
  }

  /** Another notebook gets a fresh kernel: variables of one must not leak into the next. */
  async #replace(next: OpenNotebook | null): Promise<void> {
    const before = this.open.peek()
    this.problem.value = null
    this.open.value = next
    document.title = next === null ? 'Rondo notebooks' : `${next.name.peek()} – Rondo`
    if (before === null) return
    await before.close()
    if (before.document.cells.peek().some((cell) => cell.ranHere.peek())) await before.runner.restart()
  }

  async #list(): Promise<void> {
    this.notebooks.value = await (await this.#library).list()
  }

  async #try(action: () => Promise<void>): Promise<void> {
    try {
      await action()
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      this.problem.value = message
      const open = this.open.peek()
      if (open !== null) open.announcement.value = message
    }
  }
}
