/**
 * Rondo and tfjs for cells: loaded when the first cell imports one of them, with the best device of this machine
 * ready. They are the runtime's own modules, the same that ranks use. Not for: other imports (imports.ts).
 */
import type { Launcher } from '@rondo/fabric'

export interface Libraries {
  rondo(): Promise<object>
  tfjs(): Promise<object>
  /** What is loaded of them, without preparing a device; asking makes it load, and `peeked` tells when it is. */
  peek(name: 'rondo' | 'tfjs'): object | null
  peeked(): Promise<void>
  /** Ends trainers at work in the kernel itself, at their next batch. */
  interrupt(): void
}

/**
 * @param launcher takes what cells launch
 * @param say writes a line under the running cell
 */
export function createLibraries(launcher: Launcher, say: (line: string) => void): Libraries {
  let device: Promise<void> | null = null
  let interrupt: (() => void) | null = null
  const loaded = new Map<string, object>()
  let loading = Promise.resolve()
  const ready = (): Promise<void> => {
    device ??= prepareDevice(launcher, say).catch((thrown: unknown) => {
      device = null
      throw thrown
    })
    return device
  }
  return {
    async rondo() {
      const [module, { interruptTrainers }] = await Promise.all([import('rondo'), import('@rondo/trainer'), ready()])
      interrupt = () => interruptTrainers()
      return module
    },
    async tfjs() {
      const [module] = await Promise.all([import('@rondo/engine/tfjs'), ready()])
      return module
    },
    peek(name) {
      const module: Promise<object> = name === 'rondo' ? import('rondo') : import('@rondo/engine/tfjs')
      loading = module.then(
        (exports) => void loaded.set(name, exports),
        // A cell that imports it says what is wrong.
        () => undefined,
      )
      return loaded.get(name) ?? null
    },
    peeked: () => loading,
    interrupt: () => interrupt?.(),
  }
}

/** The kernel computes beside its ranks, so it takes one thread and whatever adapter there is. */
async function prepareDevice(launcher: Launcher, say: (line: string) => void): Promise<void> {
  const [{ selectAccelerator }, { setLauncher }] = await Promise.all([import('@rondo/engine'), import('@rondo/fabric')])
  setLauncher(launcher)
  const { notes } = await selectAccelerator('auto', {
    threads: 1,
    onDeviceLost: (error) => say(`${error.message} Restart the kernel to go on with another device.`),
  })
  for (const note of notes) say(note)
}
