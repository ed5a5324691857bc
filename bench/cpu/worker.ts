/** The engine in a worker of a browser, as a rank's is. */
import { selectAccelerator } from '@rondo/engine'
import type { BrowserRequest } from './browser-runner.ts'
import { profileKernels } from './kernel-profile.ts'
import { runTask } from './workloads.ts'

const scope = globalThis as unknown as Worker

scope.onmessage = async ({ data }: MessageEvent<BrowserRequest>) => {
  try {
    const { threads } = await selectAccelerator('wasm', { threads: data.threads })
    const profile = data.kernels ? profileKernels('wasm') : null
    const ms = await runTask(data.task)
    scope.postMessage({ ms, threads, profile: profile?.(data.task) })
  } catch (error) {
    scope.postMessage({ error: String(error) })
  }
}
