/**
 * The vector programs, linked to tfjs's own heap. Null where tfjs keeps its memory to itself or the engine knows
 * no SIMD; kernels then use their plain loops. Not for: tensors; programs see addresses only.
 */
import type { BackendWasm } from '../../tfjs.ts'
import { moduleOf } from '../heap.ts'
import { assemble, type Program } from './assembler.ts'
import { fusedMultiplyAdd, plainMultiplyAdd, TILE_COUNT } from './gemm-programs.ts'
import { type ProgramCall, programsWith, type SimdPrograms } from './programs.ts'
import { browserHelpers, TEAM_BYTES, TileTeam } from './team.ts'

const linked = new WeakMap<BackendWasm, SimdPrograms | null>()

/** The programs over this backend's heap, assembled and linked on first use. */
export function simdPrograms(backend: BackendWasm): SimdPrograms | null {
  let programs = linked.get(backend)
  if (programs === undefined) {
    programs = link(backend)
    linked.set(backend, programs)
  }
  return programs
}

/** Threads that large products may use on a shared heap; for the programs that are linked afterwards. */
let wantedThreads = 1

export function wantThreads(threads: number): void {
  wantedThreads = threads
}

function link(backend: BackendWasm): SimdPrograms | null {
  // Chrome has relaxed SIMD since 114, Node since 21; the plain programs need only SIMD.
  const found = compile(backend, [fusedMultiplyAdd, plainMultiplyAdd].map(programsWith))
  if (found === null) return null
  const { module, memory } = found
  const { exports } = new WebAssembly.Instance(module, { env: { memory } })
  const calls = exports as unknown as Record<string, ProgramCall>
  const tiles = Array.from({ length: TILE_COUNT }, (_, i) => calls[`tile${i}`] as ProgramCall)
  const startHelper = wantedThreads > 1 && isShared(memory) ? browserHelpers() : null
  const list = startHelper === null ? 0 : moduleOf(backend)._malloc(TEAM_BYTES) >>> 0
  const team = startHelper && new TileTeam({ module, memory, list, tiles }, wantedThreads - 1, startHelper)
  return { ...calls, tiles, team } as unknown as SimdPrograms
}

/** Links the first of several forms that this engine understands to the backend's heap; null where that cannot be. */
export function linkPrograms(
  backend: BackendWasm,
  forms: ReadonlyArray<readonly Program[]>,
): WebAssembly.Exports | null {
  const found = compile(backend, forms)
  return found && new WebAssembly.Instance(found.module, { env: { memory: found.memory } }).exports
}

function compile(
  backend: BackendWasm,
  forms: ReadonlyArray<readonly Program[]>,
): { module: WebAssembly.Module; memory: WebAssembly.Memory } | null {
  // The single-threaded build exports its memory, the threaded one keeps it on the module.
  const tfjs = backend.wasm as unknown as { wasmMemory?: unknown; asm?: { memory?: unknown } }
  const memory = tfjs.wasmMemory ?? tfjs.asm?.memory
  if (!(memory instanceof WebAssembly.Memory)) return null
  const shared = isShared(memory)
  const bytes = forms.map((programs) => assemble(programs, shared)).find((form) => WebAssembly.validate(form))
  return bytes === undefined ? null : { module: new WebAssembly.Module(bytes), memory }
}

const isShared = (memory: WebAssembly.Memory): boolean =>
  typeof SharedArrayBuffer !== 'undefined' && memory.buffer instanceof SharedArrayBuffer
