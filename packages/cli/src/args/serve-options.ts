/** What `rondo serve` was asked to do beside what `rondo run` knows: the notebook's own flags. */
import { invariant, RondoError } from '@rondo/protocol'
import { RUN_FLAGS, SERVE_ONLY_FLAGS } from './flags.ts'
import { type ParsedRun, parseRun, type RunOptions } from './run-options.ts'
import { splitArguments } from './split.ts'

/** CDNs that serve npm packages as ES modules over CORS. */
const DEFAULT_IMPORT_HOSTS = ['esm.sh', 'cdn.jsdelivr.net', 'unpkg.com'] as const
const HOST = /^(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?::\d{1,5})?$/

export interface ServeOptions {
  run: RunOptions
  /** Hosts of https modules that cells may import. */
  importHosts: string[]
  /** False after `--no-open`. */
  mayOpen: boolean
}

/**
 * @param words everything after `rondo serve`
 * @throws BAD_ARGUMENT naming flag, value and what is allowed
 */
export function parseServe(
  words: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
  defaultScript: string,
): ServeOptions {
  const command = 'rondo serve'
  const split = splitArguments(words, { ...RUN_FLAGS, ...SERVE_ONLY_FLAGS }, { defaultScript, command })
  const parsed: ParsedRun = parseRun(withoutServeFlags(words), environment, { defaultScript, command })
  invariant(parsed.asks === null, 'help is answered before serve starts')
  return {
    run: parsed.options,
    importHosts: importHosts(split.values.get('allow-import') as string | undefined),
    mayOpen: split.values.get('no-open') !== true,
  }
}

/** The words that `rondo run` would take too. */
function withoutServeFlags(words: readonly string[]): string[] {
  const kept: string[] = []
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] as string
    if (word === '--') return [...kept, ...words.slice(at)]
    const [, name, inline] = /^--([^=]+)(=.*)?$/s.exec(word) ?? []
    const flag = name === undefined ? undefined : SERVE_ONLY_FLAGS[name.replaceAll('_', '-')]
    if (flag === undefined) kept.push(word)
    else if (flag.kind !== 'switch' && inline === undefined) at += 1
  }
  return kept
}

function importHosts(given: string | undefined): string[] {
  if (given === undefined) return [...DEFAULT_IMPORT_HOSTS]
  const names = given
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== '')
  if (names.length === 1 && names[0] === 'none') return []
  const wrong = names.find((name) => !HOST.test(name))
  if (wrong === undefined && names.length > 0) return [...new Set([...DEFAULT_IMPORT_HOSTS, ...names])]
  throw new RondoError(
    'BAD_ARGUMENT',
    `--allow-import=${given}: ${wrong === undefined ? 'no host is given' : `"${wrong}" is no host name`}. Write host names parted by commas, such as --allow-import cdn.example.org, or none.`,
  )
}
