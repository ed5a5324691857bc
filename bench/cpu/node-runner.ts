/** The engine in this process. */
import { selectAccelerator } from '@rondo/engine'
import { profileKernels } from './kernel-profile.ts'
import type { Runner } from './runner.ts'
import { runTask } from './workloads.ts'

export async function openNode(threads: number, kernels: boolean, say: (line: string) => void): Promise<Runner> {
  const { notes } = await selectAccelerator('wasm', { threads })
  notes.forEach(say)
  return {
    name: `rondo, Node ${process.versions.node}`,
    async run(task) {
      const profile = kernels ? profileKernels('wasm') : null
      const times = await runTask(task)
      if (profile !== null) console.log(profile(task))
      return times
    },
    async close() {},
  }
}
