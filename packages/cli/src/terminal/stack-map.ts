/**
 * Turns stack frames of the bundled script back into the person's own files and lines; browsers do not apply
 * source maps to `Error.stack`. Not for: frames of Rondo's runtime, which are left as they are.
 */
import { SourceMap } from 'node:module'
import type { SourceMapPayload } from '../assets/bundle.ts'

/** A frame's place: any address that ends in a run's script, with line and column counted from 1. */
const SCRIPT_PLACE = /(?:https?:\/\/[^\s()]*)?\/runs\/[\w-]+\/script\.js:(\d+):(\d+)/g

export type StackMapper = (text: string) => string

/** A function that rewrites every place of the script inside a text; other text stays as it is. */
export function stackMapper(map: SourceMapPayload): StackMapper {
  const sourceMap = new SourceMap({ file: 'script.js', sourcesContent: [], sourceRoot: '', ...map } as never)
  return (text) =>
    text.replace(SCRIPT_PLACE, (place, line: string, column: string) => {
      const entry = sourceMap.findEntry(Number(line) - 1, Number(column) - 1)
      if (!('originalSource' in entry) || entry.originalSource === undefined) return place
      return `${entry.originalSource}:${entry.originalLine + 1}:${entry.originalColumn + 1}`
    })
}
