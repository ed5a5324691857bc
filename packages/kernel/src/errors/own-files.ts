/** The kernel's own files, whose frames say nothing to a person: they are left out of the stacks of cells. */
import { parseStack } from './stack.ts'

const files = new Set<string>()

/** Called at the top of a module that stands between cells and what they call. */
export function hideThisFile(): void {
  const caller = parseStack(new Error().stack ?? '')[1]
  if (caller !== undefined) files.add(caller.source)
}

export function isHiddenFile(source: string): boolean {
  return files.has(source)
}
