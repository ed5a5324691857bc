/** Reads the magic at the top of a cell. Runs nothing: the kernel and its app give magics their meaning. */
import type { Magic } from './types.ts'

/** Every magic with how it is written, for messages and completion. */
export const MAGICS: ReadonlyArray<{ usage: string; detail: string }> = [
  { usage: '%dist_init --num-processes N [--gpu-ids 0,1]', detail: 'starts persistent ranks' },
  { usage: '%%distributed', detail: 'runs the cell on all ranks' },
  { usage: '%%rank [0,2]', detail: 'runs the cell on these ranks' },
  { usage: '%sync', detail: 'waits until all ranks are here' },
  { usage: '%dist_status', detail: 'what each rank does' },
  { usage: '%dist_mode on|off', detail: 'whether plain cells go to all ranks' },
  { usage: '%dist_shutdown', detail: 'ends the ranks' },
  { usage: '%%time', detail: 'says how long the cell ran' },
  { usage: '%magics', detail: 'lists the magics' },
]

/** A magic that does not exist or that is written wrong; fit to be shown as it is. */
export class MagicError extends Error {
  override readonly name = 'MagicError'
}

const ARGUMENTS: ReadonlySet<string> = new Set(['--num-processes', '-n', '--gpu-ids', '-g'])

/**
 * The magic that a cell begins with (blank lines and comments may stand before it), or null. Throws MagicError for
 * an unknown magic, listing the known ones, and for arguments that can't be read.
 */
export function parseMagic(code: string): Magic | null {
  const found = /^(?:[ \t]*(?:\/\/[^\n]*)?\n)*[ \t]*(%{1,2})([\w-]*)([^\n]*)/.exec(code)
  if (found === null) return null
  const [whole, marks = '', word = '', rest = ''] = found
  const lines = whole.split('\n').length - 1
  const body = '\n'.repeat(lines) + code.slice(whole.length)
  return read(`${marks}${word}`, rest.trim(), body)
}

function read(magic: string, text: string, body: string): Magic {
  switch (magic) {
    case '%dist_init':
      return { name: 'dist_init', ...initArguments(text), body }
    case '%%distributed':
      return { name: 'distributed', ...nothing(magic, text), body }
    case '%%rank':
      return { name: 'rank', ranks: numbers(magic, text), body }
    case '%sync':
      return { name: 'sync', ...nothing(magic, text), body }
    case '%dist_status':
      return { name: 'dist_status', ...nothing(magic, text), body }
    case '%dist_mode':
      if (text === 'on' || text === 'off') return { name: 'dist_mode', on: text === 'on', body }
      throw new MagicError(`%dist_mode ${text}: write %dist_mode on or %dist_mode off`)
    case '%dist_shutdown':
      return { name: 'dist_shutdown', ...nothing(magic, text), body }
    case '%magics':
      return { name: 'magics', ...nothing(magic, text), body }
    case '%%time':
      return { name: 'time', ...nothing(magic, text), body }
    default:
      throw new MagicError(`${magic} is not a magic. Known are ${MAGICS.map(({ usage }) => usage).join(', ')}`)
  }
}

function nothing(magic: string, text: string): Record<never, never> {
  if (text === '') return {}
  throw new MagicError(`${magic} ${text}: it takes no arguments; write ${magic} alone and the code on the lines below`)
}

function initArguments(text: string): { numProcesses: number | null; slots: number[] | null } {
  const words = text === '' ? [] : text.replaceAll('=', ' ').split(/\s+/)
  let numProcesses: number | null = null
  let slots: number[] | null = null
  for (let index = 0; index < words.length; index += 2) {
    const [option = '', value = ''] = words.slice(index, index + 2)
    if (!ARGUMENTS.has(option)) {
      throw new MagicError(`%dist_init ${option}: unknown; it takes --num-processes N and --gpu-ids 0,1`)
    }
    if (option === '--gpu-ids' || option === '-g') slots = numbers(`%dist_init ${option}`, value)
    else numProcesses = count(value)
  }
  if (numProcesses !== null && slots !== null && slots.length !== numProcesses) {
    const both = `--num-processes ${numProcesses} with ${slots.length} --gpu-ids`
    throw new MagicError(`%dist_init ${both}: give one device for each process, or leave one of the two out`)
  }
  return { numProcesses, slots }
}

function count(value: string): number {
  if (/^[1-9]\d*$/.test(value)) return Number(value)
  throw new MagicError(`%dist_init --num-processes ${value}: it must be a whole number from 1`)
}

/** `[0,2]`, `0,2`, `1`, `0-2` and `0:3` (end excluded, as in Python), without repeats, in order. */
function numbers(magic: string, text: string): number[] {
  const items = text.replace(/^\[(.*)\]$/, '$1').split(',')
  const found = items.flatMap((item) => {
    const [, from, kind, to] = /^\s*(\d{1,6})\s*(?:([-:])\s*(\d{1,6})\s*)?$/.exec(item) ?? []
    if (from === undefined) {
      throw new MagicError(`${magic} ${text}: "${item.trim()}" is no number; write a list such as [0,2] or 0-2`)
    }
    if (to === undefined) return [Number(from)]
    const last = kind === ':' ? Number(to) - 1 : Number(to)
    if (last < Number(from)) throw new MagicError(`${magic} ${text}: the range ${item.trim()} is empty`)
    if (last - Number(from) > 1_000) throw new MagicError(`${magic} ${text}: the range ${item.trim()} is too long`)
    return Array.from({ length: last - Number(from) + 1 }, (_, index) => Number(from) + index)
  })
  return [...new Set(found)].sort((a, b) => a - b)
}
