/** Notebooks to and from files of this machine: read one that was chosen or dropped, download, hand on. */
import { RondoError } from '@rondo/protocol'
import { type ReadNotebook, readNotebook } from '../model/nbformat/read.ts'
import { writeNotebook } from '../model/nbformat/write.ts'
import type { OpenNotebook } from './open-notebook.ts'

const MIME = 'application/x-ipynb+json'
/** A page cannot hold more text than this in one piece and stay usable, bytes. */
const MAX_FILE_BYTES = 200_000_000
/** Time until the address of a download is given back, ms; the browser has taken it by then. */
const RELEASE_MS = 10_000

export interface ReadFile extends ReadNotebook {
  name: string
}

/** @throws RondoError `BAD_FILE` with what is wrong. */
export async function readFile(file: File): Promise<ReadFile> {
  if (file.size > MAX_FILE_BYTES) {
    throw new RondoError(
      'BAD_FILE',
      `"${file.name}" has ${Math.round(file.size / 1e6)} MB; a page can open up to ${MAX_FILE_BYTES / 1e6}. Clear its outputs in Jupyter first.`,
    )
  }
  return { ...readNotebook(await file.text()), name: file.name }
}

/** Lets a person choose a file; null when they did not. */
export function chooseFile(): Promise<File | null> {
  const input = document.createElement('input')
  input.type = 'file'
  input.accept = '.ipynb,application/x-ipynb+json,application/json'
  return new Promise((resolve) => {
    input.addEventListener('change', () => resolve(input.files?.[0] ?? null))
    input.addEventListener('cancel', () => resolve(null))
    input.click()
  })
}

export function downloadNotebook(open: OpenNotebook): void {
  const address = URL.createObjectURL(asFile(open))
  const link = document.createElement('a')
  link.href = address
  link.download = open.name.peek()
  link.click()
  setTimeout(() => URL.revokeObjectURL(address), RELEASE_MS)
}

/** True where the system can hand files to other programs (phones, mostly). */
export function canShare(open: OpenNotebook): boolean {
  return navigator.canShare?.({ files: [asFile(open)] }) === true
}

export async function shareNotebook(open: OpenNotebook): Promise<void> {
  // Closing the system's sheet rejects; that is no error.
  await navigator.share({ files: [asFile(open)], title: open.name.peek() }).catch(() => undefined)
}

function asFile(open: OpenNotebook): File {
  return new File([writeNotebook(open.document.toNotebook())], open.name.peek(), { type: MIME })
}
