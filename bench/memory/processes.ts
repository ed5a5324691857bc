/** How much memory the renderers below a process take, from Linux's own book-keeping. Not for: other systems. */
import { readdirSync, readFileSync } from 'node:fs'

/** The process's children, their children and so on. */
function descendants(root: number): number[] {
  const parents = new Map<number, number>()
  for (const name of readdirSync('/proc')) {
    const pid = Number(name)
    if (!Number.isInteger(pid)) continue
    // After the name in brackets, which may hold anything: state, then the parent.
    const stat = readOrEmpty(`/proc/${pid}/stat`)
    const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
    if (Number.isInteger(parent)) parents.set(pid, parent)
  }
  const isBelow = (pid: number): boolean => {
    for (let at = parents.get(pid); at !== undefined && at > 0; at = parents.get(at)) if (at === root) return true
    return false
  }
  return [...parents.keys()].filter(isBelow)
}

export interface RendererMemory {
  pid: number
  /** Bytes: what only this process holds, and its share of what several do (PSS). */
  bytes: number
}

/** Renderer processes of the browser below `root`, largest first. */
export function renderersBelow(root: number): RendererMemory[] {
  return descendants(root)
    .filter((pid) => /--type=renderer/.test(readOrEmpty(`/proc/${pid}/cmdline`)))
    .map((pid) => ({ pid, bytes: proportionalBytes(pid) }))
    .sort((a, b) => b.bytes - a.bytes)
}

function proportionalBytes(pid: number): number {
  const line = /^Pss:\s+(\d+) kB/m.exec(readOrEmpty(`/proc/${pid}/smaps_rollup`))
  return line === null ? 0 : Number(line[1]) * 1_024
}

/** A process may be gone at any moment. */
function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
