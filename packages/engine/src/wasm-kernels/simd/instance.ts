/**
 * The vector programs, linked to tfjs's own heap. Null where tfjs keeps its memory to itself or the engine knows
 * no SIMD; kernels then use their plain loops. Not for: tensors; programs see addresses only.
 */
import type { BackendWasm } from '../../tfjs.ts'
import { assemble, type Program } from './assembler.ts'
import { fusedMultiplyAdd, plainMultiplyAdd, TILE_COUNT } from './gemm-programs.ts'
import { programsWith, type SimdPrograms } from './programs.ts'

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

function link(backend: BackendWasm): SimdPrograms | null {
  // Chrome has relaxed SIMD since 114, Node since 21; the plain programs need only SIMD.
  const exports = linkPrograms(backend, [fusedMultiplyAdd, plainMultiplyAdd].map(programsWith))
  if (exports === null) return null
  const calls = exports as unknown as Record<string, (...args: number[]) => void>
  const tiles = Array.from({ length: TILE_COUNT }, (_, i) => calls[`tile${i}`])
  return { ...calls, tiles } as unknown as SimdPrograms
}

/** Links the first of several forms that this engine understands to the backend's heap; null where that cannot be. */
export function linkPrograms(
  backend: BackendWasm,
  forms: ReadonlyArray<readonly Program[]>,
): WebAssembly.Exports | null {
  // The single-threaded build exports its memory, the threaded one keeps it on the module.
  const module = backend.wasm as unknown as { wasmMemory?: unknown; asm?: { memory?: unknown } }
  const memory = module.wasmMemory ?? module.asm?.memory
  if (!(memory instanceof WebAssembly.Memory)) return null
  const shared = typeof SharedArrayBuffer !== 'undefined' && memory.buffer instanceof SharedArrayBuffer
  const bytes = forms.map((programs) => assemble(programs, shared)).find((form) => WebAssembly.validate(form))
  if (bytes === undefined) return null
  return new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } }).exports
}
