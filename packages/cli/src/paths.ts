/** Where things lie in this checkout and where runs are written. Not for: paths inside a run (run-folder.ts). */
import { existsSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { invariant } from '@rondo/protocol'

export const ROOT = checkoutAbove(dirname(fileURLToPath(import.meta.url)))
export const DIST = join(ROOT, 'dist')
export const VITE_CONFIG = join(ROOT, 'vite.config.ts')
/** Build stamps and locks: beside the dependencies, so that a fresh install starts afresh. */
export const CACHE = join(ROOT, 'node_modules', '.cache', 'rondo')
export const DEFAULT_SERVE_SCRIPT = join(ROOT, 'examples/mnist/train.ts')

/** The folder with the build's configuration: the command lies elsewhere when it is compiled. */
function checkoutAbove(folder: string): string {
  if (existsSync(join(folder, 'vite.config.ts'))) return folder
  const above = dirname(folder)
  invariant(above !== folder, 'the command lies inside of a checkout')
  return checkoutAbove(above)
}

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
