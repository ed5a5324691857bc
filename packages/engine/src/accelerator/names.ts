/**
 * How people name accelerators, and what is meant. Not for: finding out what this machine has (describe.ts)
 * or switching to it (select.ts).
 */
import { ACCELERATORS, type AcceleratorName, RondoError } from '@rondo/protocol'

/** Names of other systems, and what they become here. Each use prints one line. */
const ALIASES: Readonly<Record<string, AcceleratorName>> = { gpu: 'webgpu', cuda: 'webgpu', mps: 'webgpu' }

export const ACCELERATOR_CHOICES = ['auto', ...ACCELERATORS, ...Object.keys(ALIASES)] as const

export interface NormalisedAccelerator {
  name: AcceleratorName | 'auto'
  /** The line to print when a name stands for another one. */
  note: string | null
}

/**
 * Reads an accelerator's name; case is ignored.
 * @throws RondoError UNSUPPORTED for TPU names, BAD_ARGUMENT for unknown ones.
 */
export function normaliseAccelerator(value: unknown, option = 'accelerator'): NormalisedAccelerator {
  const text = typeof value === 'string' ? value.trim().toLowerCase() : ''
  if (text.startsWith('tpu') || text.startsWith('xla')) {
    throw new RondoError(
      'UNSUPPORTED',
      `${option} is "${value}", but browsers have no TPU access. ` +
        'Allowed here are webgpu (graphics hardware) and wasm (processor cores). Choose one of these, or "auto".',
    )
  }
  if (text === 'auto') return { name: 'auto', note: null }
  const known = ACCELERATORS.find((name) => name === text)
  if (known !== undefined) return { name: known, note: null }
  const meant = Object.hasOwn(ALIASES, text) ? ALIASES[text] : undefined
  if (meant !== undefined) return { name: meant, note: `${option} "${value}" means "${meant}" in a browser` }
  throw new RondoError(
    'BAD_ARGUMENT',
    `${option} is ${JSON.stringify(value) ?? String(value)}, which is no accelerator. ` +
      `Allowed are ${ACCELERATOR_CHOICES.join(', ')}. Leave it out to let Rondo choose.`,
  )
}
