/** The library's rules on a store in memory: history, restore, conflicts, a full disk. IndexedDB itself: e2e. */
import { RondoError } from '@rondo/protocol'
import { describe, expect, it } from 'vitest'
import { blankCell } from '../model/cell.ts'
import type { Notebook } from '../model/notebook.ts'
import { storageError } from './failure.ts'
import { NotebookLibrary } from './library.ts'
import { MemoryStore } from './memory-store.ts'
import type { StoreChange, Version } from './store.ts'
import { KEEP_EVERY_MS, MAX_VERSIONS, thinVersions } from './versions.ts'

const HOUR = 3_600_000

function notebook(source: string): Notebook {
  return { cells: [{ ...blankCell('code', source), id: 'c1' }], metadata: { a: 1 } }
}

/** A library whose clock is set by hand. */
function libraryAt(start: number, store = new MemoryStore()) {
  const clock = { now: start }
  return { library: new NotebookLibrary(store, null, () => clock.now), clock }
}

describe('the library', () => {
  it('gives back what it was given, latest first', async () => {
    const { library, clock } = libraryAt(1000)
    const first = await library.create(notebook('1'), { name: 'a.ipynb', trusted: true })
    clock.now = 2000
    const second = await library.create(notebook('2'), { name: 'b.ipynb', trusted: false })
    expect((await library.list()).map(({ name }) => name)).toEqual(['b.ipynb', 'a.ipynb'])
    expect((await library.read(first.id)).notebook).toEqual(notebook('1'))
    expect((await library.read(second.id)).record.trusted).toBe(false)
    await library.remove(first.id)
    await expect(library.read(first.id)).rejects.toMatchObject({ code: 'BAD_FILE' })
  })

  it('keeps versions along the way and whenever asked', async () => {
    const { library, clock } = libraryAt(0)
    let record = await library.create(notebook('0'), { name: 'a', trusted: true })
    record = await library.save(record, notebook('1'))
    clock.now += KEEP_EVERY_MS - 1
    record = await library.save(record, notebook('2'))
    expect(record.versions.map(({ reason }) => reason)).toEqual(['auto'])
    record = await library.save(record, notebook('3'), { keep: true })
    clock.now += KEEP_EVERY_MS
    record = await library.save(record, notebook('4'))
    expect(record.versions.map(({ reason }) => reason)).toEqual(['auto', 'saved', 'auto'])
    expect(await library.readVersion(record.id, record.versions[1]!.at)).toEqual(notebook('3'))
  })

  it('restores a version and keeps what was there', async () => {
    const { library, clock } = libraryAt(0)
    let record = await library.create(notebook('0'), { name: 'a', trusted: true })
    record = await library.save(record, notebook('old'), { keep: true })
    clock.now += 10
    const restored = await library.restore(record, notebook('new'), record.versions[0]!.at)
    expect(restored.notebook).toEqual(notebook('old'))
    expect((await library.read(record.id)).notebook).toEqual(notebook('old'))
    const [kept] = restored.record.versions
    expect(kept?.reason).toBe('before-restore')
    expect(await library.readVersion(record.id, kept!.at)).toEqual(notebook('new'))
  })

  it('refuses a writer that has not seen the latest, and leaves what is there', async () => {
    const { library } = libraryAt(0)
    const seen = await library.create(notebook('0'), { name: 'a', trusted: true })
    await library.save(seen, notebook('other tab'))
    await expect(library.save(seen, notebook('mine'))).rejects.toMatchObject({ code: 'CONFLICT' })
    expect((await library.read(seen.id)).notebook).toEqual(notebook('other tab'))
  })

  it('leaves large outputs out of versions, never out of the notebook', async () => {
    const { library } = libraryAt(0)
    const big: Notebook = {
      metadata: {},
      cells: [
        { ...blankCell('code', 'x'), outputs: [{ kind: 'stream', name: 'stdout', text: 'y'.repeat(2_100_000) }] },
      ],
    }
    const record = await library.save(await library.create(big, { name: 'a', trusted: true }), big, { keep: true })
    expect(record.versions[0]?.withoutOutputs).toBe(true)
    expect((await library.readVersion(record.id, record.versions[0]!.at)).cells[0]?.outputs).toEqual([])
    expect((await library.read(record.id)).notebook).toEqual(big)
  })

  it('gives up old versions before it gives up saving, when the disk is full', async () => {
    class FullStore extends MemoryStore {
      full = false
      override async write(change: StoreChange, expected: number | null): Promise<void> {
        if (this.full && (change.dropVersions ?? []).length === 0) {
          throw storageError(new DOMException('full', 'QuotaExceededError'))
        }
        await super.write(change, expected)
      }
    }
    const store = new FullStore()
    const { library, clock } = libraryAt(0, store)
    let record = await library.create(notebook('0'), { name: 'a', trusted: true })
    for (const source of ['1', '2', '3', '4']) {
      clock.now += 1
      record = await library.save(record, notebook(source), { keep: true })
    }
    store.full = true
    record = await library.save(record, notebook('5'))
    expect(record.versions).toHaveLength(2)
    expect((await library.read(record.id)).notebook).toEqual(notebook('5'))
    const bare = { ...record, versions: [] }
    await expect(library.save(bare, notebook('6'))).rejects.toSatisfy(
      (error) =>
        error instanceof RondoError && error.details?.['reason'] === 'quota' && /Download it/.test(error.message),
    )
  })
})

describe('thinning', () => {
  const version = (at: number, reason: Version['reason'] = 'auto'): Version => ({
    at,
    reason,
    cells: 1,
    withoutOutputs: false,
  })

  it('keeps all of the last hour, one an hour, then one a day; a saved one first', () => {
    const now = 1000 * HOUR
    const all = [
      version(now - 1),
      version(now - 2),
      version(now - 2 * HOUR - 1),
      version(now - 2 * HOUR - 2, 'saved'),
      version(now - 2 * HOUR - 3),
      version(now - 100 * HOUR),
      version(now - 100 * HOUR - 1),
    ]
    expect(thinVersions(all, now).map(({ at }) => now - at)).toEqual([1, 2, 2 * HOUR + 2, 100 * HOUR])
  })

  it('has a limit', () => {
    const all = Array.from({ length: 100 }, (_, i) => version(1_000_000 - i))
    expect(thinVersions(all, 1_000_000)).toHaveLength(MAX_VERSIONS)
  })
})
