/** The run's files that are there. Asked of the server once it knows the run has ended. */
import type { VNode } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { JoinParams } from '../params.ts'

/** What Rondo itself writes; scripts may write more, which the terminal lists. */
const FILES = ['report.json', 'metrics.csv', 'model.safetensors'] as const
/** The main process writes the report shortly after the last rank ended: milliseconds after which to look again. */
const LOOKS_MS = [0, 1_500, 5_000]
const TIMEOUT_MS = 10_000

export function FileLinks({ runId, params }: { runId: string; params: JoinParams }): VNode {
  const { token, auto } = params
  const [files, setFiles] = useState<string[]>([])
  useEffect(() => {
    // Nobody reads along on a page that an agent opened.
    if (auto) return
    const abort = new AbortController()
    const known = new Set<string>()
    const look = async () => {
      const missing = FILES.filter((name) => !known.has(name))
      // The report comes last: once it is there, so is everything else.
      if (known.has('report.json')) return
      const found = await Promise.all(missing.map((name) => isThere(fileUrl(runId, name, token), abort.signal)))
      missing.forEach((name, i) => {
        if (found[i]) known.add(name)
      })
      if (!abort.signal.aborted) setFiles(FILES.filter((name) => known.has(name)))
    }
    const timers = LOOKS_MS.map((ms) => setTimeout(look, ms))
    return () => {
      timers.forEach(clearTimeout)
      abort.abort()
    }
  }, [runId, token, auto])
  return (
    <span class="files">
      {files.length === 0 && <span class="soft">in runs/{runId} on the main machine</span>}
      {files.map((name) => (
        <a key={name} href={fileUrl(runId, name, token)} download={`${runId}-${name}`}>
          {name}
        </a>
      ))}
      {files.length > 0 && (
        <a href={archiveUrl(runId, token)} download={`${runId}.zip`}>
          all files (zip)
        </a>
      )}
    </span>
  )
}

function archiveUrl(runId: string, token: string): string {
  return `/runs/${encodeURIComponent(runId)}/archive.zip?token=${encodeURIComponent(token)}`
}

function fileUrl(runId: string, name: string, token: string): string {
  return `/runs/${encodeURIComponent(runId)}/files/${name}?token=${encodeURIComponent(token)}`
}

async function isThere(url: string, signal: AbortSignal): Promise<boolean> {
  try {
    const answer = await fetch(url, {
      method: 'HEAD',
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
    })
    return answer.ok
  } catch {
    return false
  }
}
