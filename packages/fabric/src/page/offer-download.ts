/** A file that code made, as a download of this page: the browser asks or stores it, as the person has set it up. */

/** Milliseconds until the bytes are let go; browsers have taken them over by then. */
const RELEASE_MS = 60_000

/** Call on a page; workers have no document. */
export function offerDownload(name: string, bytes: ArrayBuffer): void {
  const url = URL.createObjectURL(new Blob([bytes], { type: 'application/octet-stream' }))
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(url), RELEASE_MS)
}
