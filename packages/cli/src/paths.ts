/** Where things lie in this checkout and where runs are written. Not for: paths inside a run (run-folder.ts). */
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '../../..')
export const DIST = join(ROOT, 'dist')
export const VITE_CONFIG = join(ROOT, 'vite.config.ts')
/** Build stamps and locks: beside the dependencies, so that a fresh install starts afresh. */
export const CACHE = join(ROOT, 'node_modules', '.cache', 'rondo')
export const DEFAULT_SERVE_SCRIPT = join(ROOT, 'examples/mnist/train.ts')

/** A path as people should read it: relative to where they are, unless that leads upwards. */
export function shownPath(path: string): string {
  const short = relative(process.cwd(), path)
  return short === '' || short.startsWith('..') ? path : short
}

/** Runs are kept in the folder the command was called from. */
export function runsFolder(): string {
  return resolve(process.cwd(), 'runs')
}

/** Where the person is: npm moves a script's working folder to the root of the checkout. */
export function callersFolder(): string {
  return process.env['INIT_CWD'] ?? process.cwd()
}
