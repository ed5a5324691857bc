/**
 * Switches tfjs to the accelerator that was asked for, or to the best one here, and says which and why.
 * `auto` never takes software for hardware: webgpu only on a real adapter, then wasm, then cpu.
 */
import { ACCELERATORS, type AcceleratorName, type AdapterInfo, RondoError } from '@rondo/protocol'
import { registerEinsumGradient } from '../gradients/einsum-gradient.ts'
import { hookPrecision } from '../precision/policy.ts'
import { tf } from '../tfjs.ts'
import { adapterInfo, coreCount, isInsecure, requestAdapter } from './describe.ts'
import { normaliseAccelerator } from './names.ts'
import { startWasm } from './wasm-backend.ts'
import { registerWebgl } from './webgl-backend.ts'
import { abandonWebGpu, registerWebGpu, replaceLostDevice } from './webgpu-backend.ts'
import { probeMatMul } from './webgpu-matmul-probe.ts'

export interface SelectOptions {
  /** Threads of the wasm backend; default floor(cores / localRanks), at least 1 (OMP_NUM_THREADS). */
  threads?: number
  /** Ranks that share this machine's cores; default 1. */
  localRanks?: number
  /** Folder or URL of tfjs's .wasm files; default `/runtime/wasm/` in browsers, tfjs's own folder in Node. */
  wasmPath?: string
  /** Called once if the WebGPU device is lost later on. Without it the loss is a console error. */
  onDeviceLost?: (error: RondoError) => void
}

export interface SelectedAccelerator {
  name: AcceleratorName
  /** What was asked for, as it was written. */
  requested: string
  /** One sentence part for the banner: why this one. */
  reason: string
  /** Lines to print once: substitutions and warnings. */
  notes: string[]
  adapter: AdapterInfo | null
  /** Processor threads that compute: 1 unless wasm runs with more. */
  threads: number
}

/**
 * Selects an accelerator and makes it tfjs's backend.
 * @throws RondoError BAD_ARGUMENT or UNSUPPORTED for names, INSECURE_CONTEXT or ACCELERATOR_UNAVAILABLE when a
 * named accelerator is not usable here; the message lists those that are.
 */
export async function selectAccelerator(request = 'auto', options: SelectOptions = {}): Promise<SelectedAccelerator> {
  const { name, note } = normaliseAccelerator(request)
  registerEinsumGradient()
  hookPrecision()
  registerWebgl()
  const base = { requested: request, notes: note === null ? [] : [note], adapter: null, threads: 1 }
  switch (name) {
    case 'auto':
      return selectBest(base, options)
    case 'webgpu':
      return selectWebGpu(base, options)
    case 'wasm': {
      return { ...base, ...(await selectWasm(base.notes, options)), reason: 'asked for by name' }
    }
    case 'webgl':
    case 'cpu': {
      if (await tf.setBackend(name).catch(() => false)) return { ...base, name, reason: 'asked for by name' }
      throw unavailable(request, name, 'it could not start here', await usableHere())
    }
    default:
      return name satisfies never
  }
}

type Base = Omit<SelectedAccelerator, 'name' | 'reason'>

async function selectBest(base: Base, options: SelectOptions): Promise<SelectedAccelerator> {
  const notes = [...base.notes]
  const adapter = await requestAdapter()
  let why = whyNoGpu(adapter)
  if (adapter !== null && why === null) {
    try {
      return { ...(await startWebGpu(base, adapter, options)), reason: 'a hardware WebGPU adapter is here' }
    } catch (error) {
      why = 'the WebGPU adapter gave no working device'
      notes.push(`webgpu failed to start (${error instanceof Error ? error.message : String(error)}); trying wasm`)
    }
  }
  try {
    return {
      ...base,
      ...(await selectWasm(notes, options)),
      reason: adapter === null ? `no GPU backend was found: ${why}` : (why ?? ''),
    }
  } catch (error) {
    if (!(error instanceof RondoError)) throw error
    notes.push(`wasm failed to start, so the slow cpu backend is used: ${error.message}`)
    await tf.setBackend('cpu')
    return { ...base, name: 'cpu', notes, reason: `${why}, and wasm could not start` }
  }
}

async function selectWasm(notes: string[], options: SelectOptions) {
  const threads = await startWasm({
    wasmPath: options.wasmPath,
    threads: threadCount(options),
    asked: options.threads !== undefined,
  })
  const fewer = options.threads !== undefined && options.threads > threads
  const note = `wasm runs on ${threads} instead of ${options.threads} threads: it takes one a processor at most, and a single one in pages that are not cross-origin isolated`
  return { name: 'wasm' as const, threads, notes: fewer ? [...notes, note] : notes }
}

/** What is to be said of the software adapter's products; found out once a realm. */
let probed: Promise<string | null> | null = null

async function selectWebGpu(base: Base, options: SelectOptions): Promise<SelectedAccelerator> {
  const adapter = await requestAdapter()
  if (adapter === null)
    throw unavailable(base.requested, 'webgpu', `no GPU backend was found: ${whyNoGpu(null)}`, await usableHere())
  const selected = await startWebGpu(base, adapter, options)
  if (selected.adapter?.isFallback) {
    const { description, architecture, vendor } = selected.adapter
    selected.notes.push(
      `webgpu runs on a software adapter (${description || architecture || vendor || 'unnamed'}): correct, but slower than wasm`,
    )
    probed ??= probeMatMul(async () => {
      abandonWebGpu()
      await replaceLostDevice()
    })
    const line = await probed
    if (line !== null) selected.notes.push(line)
  }
  return selected
}

async function startWebGpu(base: Base, adapter: GPUAdapter, options: SelectOptions): Promise<SelectedAccelerator> {
  const report = options.onDeviceLost ?? ((error: RondoError) => console.error(error.message))
  const info = await registerWebGpu(adapter, report)
  if (!(await tf.setBackend('webgpu').catch(() => false))) {
    abandonWebGpu()
    throw unavailable(base.requested, 'webgpu', 'tfjs could not start on the adapter', await usableHere())
  }
  return { ...base, notes: [...base.notes], name: 'webgpu', adapter: info, reason: 'asked for by name' }
}

/** Why WebGPU is not what `auto` takes; null when it is. */
function whyNoGpu(adapter: GPUAdapter | null): string | null {
  if (adapter !== null) return adapterInfo(adapter).isFallback ? 'only a software WebGPU adapter is here' : null
  if (isInsecure()) return 'the page is not a secure context (http on a LAN address), so it has no WebGPU'
  const blocked = typeof navigator !== 'undefined' && (navigator.gpu as GPU | undefined) !== undefined
  return blocked ? 'the browser blocks WebGPU or has no adapter for it' : 'WebGPU is missing in this browser'
}

async function usableHere(): Promise<AcceleratorName[]> {
  const adapter = await requestAdapter()
  const inBrowser = typeof OffscreenCanvas !== 'undefined'
  return ACCELERATORS.filter((name) => (name === 'webgpu' ? adapter !== null : name === 'webgl' ? inBrowser : true))
}

function unavailable(request: string, name: AcceleratorName, why: string, usable: AcceleratorName[]): RondoError {
  const insecure = name === 'webgpu' && isInsecure()
  const remedy = insecure
    ? `Open this page (${globalThis.location.href}) over https, or as http://localhost through "rondo run" on this machine.`
    : `Choose one of these, or "auto".`
  return new RondoError(
    insecure ? 'INSECURE_CONTEXT' : 'ACCELERATOR_UNAVAILABLE',
    `accelerator "${request}" is not usable: ${why}. Usable here: ${usable.filter((other) => other !== name).join(', ')}. ${remedy}`,
  )
}

function threadCount({ threads, localRanks = 1 }: SelectOptions): number {
  const wanted = threads ?? Math.max(1, Math.floor(coreCount() / Math.max(1, localRanks)))
  if (Number.isInteger(wanted) && wanted >= 1) return wanted
  throw new RondoError(
    'BAD_ARGUMENT',
    `threads is ${threads}; it must be a whole number of at least 1. Leave it out to share the cores among the ranks.`,
  )
}
