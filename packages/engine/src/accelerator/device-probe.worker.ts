/**
 * Entry of the worker in which `rondo doctor` tries WebGPU: it opens the device as a rank does, matrix products
 * included, and says what a rank would say. Whoever started it ends it when it does not answer. Not for: ranks.
 */
import { selectAccelerator } from './select.ts'

/** What the worker answers. */
export type DeviceProbeAnswer = { ok: true; trouble: string | null; ms: number } | { ok: false; message: string }

const start = performance.now()
selectAccelerator('webgpu').then(
  // The first note only says that the adapter is software.
  ({ notes }) =>
    postMessage({ ok: true, trouble: notes[1] ?? null, ms: performance.now() - start } satisfies DeviceProbeAnswer),
  (error: unknown) =>
    postMessage({
      ok: false,
      message: error instanceof Error ? error.message : String(error),
    } satisfies DeviceProbeAnswer),
)
