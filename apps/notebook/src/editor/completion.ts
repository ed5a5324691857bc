/** Proposals for the name under the cursor, from the kernel's live scope and from this text itself. */
import type {
  Completion,
  CompletionContext,
  CompletionResult,
  CompletionSource as EditorSource,
} from '@codemirror/autocomplete'
import { localCompletionSource } from '@codemirror/lang-javascript'
import type { CompletionSource } from '../kernel/port.ts'

/** A kernel that is busy computing does not answer; names of this cell's own text come at once then, ms. */
const KERNEL_DEADLINE_MS = 400

/** Kinds of the kernel as CodeMirror's. */
const TYPES: Readonly<Record<string, string>> = { magic: 'keyword' }

/** In strings and comments nothing is proposed unless asked for; magics begin with `%`. */
export function kernelCompletion(source: CompletionSource): EditorSource {
  return async (context) => {
    const word = context.matchBefore(/[%\w$\p{L}]*$/u)
    const afterDot = context.matchBefore(/\.\s*[\w$\p{L}]*$/u) !== null
    if (!context.explicit && !afterDot && (word === null || word.from === word.to)) return null
    const [kernel, local] = await Promise.all([ask(source, context), localCompletionSource(context)])
    if (context.aborted) return null
    return join(kernel, afterDot ? null : local)
  }
}

async function ask(source: CompletionSource, context: CompletionContext): Promise<CompletionResult | null> {
  const abort = new AbortController()
  const timer = setTimeout(() => abort.abort(), KERNEL_DEADLINE_MS)
  context.addEventListener('abort', () => abort.abort(), { onDocChange: true })
  const gaveUp = new Promise<null>((resolve) => abort.signal.addEventListener('abort', () => resolve(null)))
  try {
    const answer = await Promise.race([
      source.complete(context.state.doc.toString(), context.pos, abort.signal),
      gaveUp,
    ])
    if (answer === null || answer.items.length === 0) return null
    const options = answer.items.map(({ label, type, detail }) => ({ label, type: TYPES[type] ?? type, detail }))
    return { from: answer.from, options, validFor: /^[\w$\p{L}]*$/u }
  } catch {
    return null
  } finally {
    clearTimeout(timer)
  }
}

/** Both lists where they complete the same text; the kernel's word counts where both know a name. */
function join(kernel: CompletionResult | null, local: CompletionResult | null): CompletionResult | null {
  if (kernel === null || local === null || kernel.from !== local.from) return kernel ?? local
  const known = new Set(kernel.options.map(({ label }) => label))
  const more: Completion[] = local.options.filter(({ label }) => !known.has(label))
  return { ...kernel, options: [...kernel.options, ...more] }
}
