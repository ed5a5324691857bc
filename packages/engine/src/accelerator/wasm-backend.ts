/**
 * tfjs's wasm backend with SIMD, threads where the page is cross-origin isolated, and the training kernels
 * it lacks. Not for: deciding that wasm is what this machine should use (select.ts).
 */
import { RondoError } from '@rondo/protocol'
import { type BackendWasm, getThreadsCount, setThreadsCount, setWasmPaths, tf } from '../tfjs.ts'
import { registerTrainingKernels } from '../wasm-kernels/register.ts'
import { simdPrograms, wantThreads } from '../wasm-kernels/simd/instance.ts'
import { coreCount } from './describe.ts'

/** Where Rondo's pages find tfjs's three .wasm files; the server puts them there. */
const BROWSER_WASM_PATH = '/runtime/wasm/'

/**
 * tfjs's compiled side (backend.cc) never starts more threads than half the logical processors, and four at
 * most. Measured: with 2 processors it answers every wish with one, with 8 it grants two. Products are ours and
 * follow a wish up to the number of processors; without one they take half of them too.
 */
const LOGICAL_PER_THREAD = 2
const MAX_TFJS_THREADS = 4

export interface WasmOptions {
  /** Folder or URL of the .wasm files, with a slash at its end. Node's default is tfjs's own folder. */
  wasmPath?: string | undefined
  /** Threads for large products (and tfjs's own kernels). One takes the binary without atomics, which is a little faster. */
  threads: number
  /** The number was asked for, not derived from the machine. */
  asked?: boolean
}

/** The options that the running backend was born with; a realm has one wasm heap for its whole life. */
let born: WasmOptions | null = null

/**
 * Switches tfjs to wasm, loading it on the first call.
 * @returns the number of threads in use: 1 without cross-origin isolation and in Node.
 * @throws RondoError ACCELERATOR_UNAVAILABLE when the binary can't be loaded or run.
 */
export async function startWasm(options: WasmOptions): Promise<number> {
  const half = Math.max(1, Math.floor(coreCount() / LOGICAL_PER_THREAD))
  const threads = Math.min(options.threads, options.asked ? coreCount() : half)
  if (born === null) {
    const path = options.wasmPath ?? defaultPath()
    if (path !== undefined) setWasmPaths(path)
    if (threads <= 1) tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', false)
    setThreadsCount(Math.min(threads, half, MAX_TFJS_THREADS))
    wantThreads(threads)
  }
  const started = await tf.setBackend('wasm').catch(() => false)
  if (!started) {
    throw new RondoError(
      'ACCELERATOR_UNAVAILABLE',
      `accelerator "wasm" could not start from ${options.wasmPath ?? defaultPath() ?? "tfjs's own folder"}. ` +
        'It needs WebAssembly with SIMD and its three .wasm files at that place. ' +
        'Check that the server serves them, or use accelerator "cpu".',
    )
  }
  born ??= options
  registerTrainingKernels()
  const team = simdPrograms(tf.backend() as unknown as BackendWasm)?.team
  return Math.max(1, team?.size ?? getThreadsCount())
}

function defaultPath(): string | undefined {
  const origin = (globalThis.location as Location | undefined)?.origin
  return origin === undefined ? undefined : new URL(BROWSER_WASM_PATH, origin).href
}
