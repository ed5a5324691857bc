/**
 * Our own birth of tfjs's WebGPU backend. tfjs 4.22's own (tfjs-backend-webgpu/src/base.ts) dereferences a
 * missing adapter and never looks at `device.lost`, so every later operation silently does nothing; here the
 * adapter is checked first and a loss is reported. Delete when tfjs does both.
 */
import { type AdapterInfo, RondoError } from '@rondo/protocol'
import { tf, WebGPUBackend } from '../tfjs.ts'
import type { DeviceBackend } from '../webgpu-kernels/device.ts'
import { registerDeviceKernels } from '../webgpu-kernels/register.ts'
import { uploadThroughQueue } from '../webgpu-kernels/upload.ts'
import { adapterInfo, requestAdapter } from './describe.ts'
import { fixArgMaxShape } from './webgpu-arg-max.ts'
import { closeLostBackend } from './webgpu-lost-backend.ts'

/** tfjs sizes buffers and workgroups by the device's limits, and kernels bind as much as it allows: the adapter's own. */
const RAISED_LIMITS = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxComputeWorkgroupStorageSize',
  'maxComputeWorkgroupsPerDimension',
  'maxComputeWorkgroupSizeX',
  'maxComputeInvocationsPerWorkgroup',
  'maxStorageBuffersPerShaderStage',
] as const

/** tfjs's own: above wasm's 2. */
const BACKEND_PRIORITY = 3

/** Timing queries for the profiler, f16 arithmetic for half precision: taken where the adapter has them. */
const WANTED_FEATURES: readonly GPUFeatureName[] = ['timestamp-query', 'shader-f16', 'subgroups']

/** Milliseconds for the news of a loss to come, after an operation has failed as one does on a lost device. */
const LOSS_NEWS_MS = 1_000

/** What the names of our own shaders and buffers begin with. */
const OWN_LABEL = '"rondo '

interface LiveDevice {
  adapter: AdapterInfo
  device: GPUDevice
  /** We gave it back ourselves. */
  abandoned: boolean
}

/** The device that tfjs's backend runs on. A second selection in the same realm must not orphan its tensors. */
let live: LiveDevice | null = null
/** The loss that nothing has made good yet. */
let loss: RondoError | null = null
/** Whom to tell of a loss, of this device and of those that take its place. */
const listeners = new Set<(error: RondoError) => void>()
const nobody = (): void => {}

/**
 * Opens a device on the adapter and registers tfjs's backend on it under 'webgpu'; a living one is kept.
 * @param onLost called when the device is lost, unless we gave it back, or runs out of memory; stays for the devices
 * that take its place.
 */
export async function registerWebGpu(adapter: GPUAdapter, onLost: (error: RondoError) => void): Promise<AdapterInfo> {
  if (live !== null) {
    listeners.add(onLost)
    return live.adapter
  }
  const info = adapterInfo(adapter)
  const device = await adapter.requestDevice({
    requiredFeatures: WANTED_FEATURES.filter((name) => adapter.features.has(name)),
    requiredLimits: Object.fromEntries(RAISED_LIMITS.map((name) => [name, adapter.limits[name]])),
  })
  const opened: LiveDevice = { adapter: info, device, abandoned: false }
  live = opened
  loss = null
  listeners.add(onLost)
  const tell = (error: RondoError): void => {
    for (const listener of listeners) listener(error)
  }
  void device.lost.then(({ reason, message }) => {
    if (live !== opened || opened.abandoned) return
    live = null
    loss = deviceError(info, 'was lost', reason, message)
    closeLostBackend(loss)
    tell(loss)
  })
  device.addEventListener('uncapturederror', ({ error }) => {
    // tfjs goes on computing with the buffer that it did not get, so the results would be wrong.
    if (error instanceof GPUOutOfMemoryError) {
      tell(deviceError(info, 'ran out of memory', 'out-of-memory', error.message))
    } else if (error.message.includes(OWN_LABEL)) {
      tell(deviceError(info, 'does not take a shader of Rondo', 'validation', error.message))
    }
  })
  if (tf.engine().registryFactory['webgpu'] !== undefined) tf.removeBackend('webgpu')
  tf.registerBackend('webgpu', () => makeBackend(device, adapter.info) as never, BACKEND_PRIORITY)
  fixArgMaxShape()
  registerDeviceKernels()
  return info
}

function makeBackend(device: GPUDevice, info: GPUAdapterInfo): WebGPUBackend {
  const backend = new WebGPUBackend(device, info)
  uploadThroughQueue(backend as unknown as DeviceBackend)
  return backend
}

/** Gives the device back, after tfjs failed to start on it. */
export function abandonWebGpu(): void {
  if (live === null) return
  live.abandoned = true
  live.device.destroy()
  live = null
}

/** The loss of this realm's device while nothing has taken its place; null while all is well. */
export function deviceLoss(): RondoError | null {
  return loss
}

/**
 * Whether an operation that just failed did so because the device is gone: its promise may reject before the news of
 * the loss is here. Waits for that at most a second.
 */
export async function failedByLoss(): Promise<boolean> {
  const { device } = live ?? {}
  if (device === undefined) return loss !== null
  let late: ReturnType<typeof setTimeout> | undefined
  const tooLate = new Promise<void>((resolve) => {
    late = setTimeout(resolve, LOSS_NEWS_MS)
  })
  await Promise.race([device.lost, tooLate])
  clearTimeout(late)
  return deviceLoss() !== null
}

/**
 * Puts a new device in the place of the lost one. All tensors on the old one are gone: what is to live on must be
 * written anew (`writeTensors`, `Optimizer.restore`), and those of others throw when they are read.
 * @throws RondoError ACCELERATOR_UNAVAILABLE when no device is to be had.
 */
export async function replaceLostDevice(): Promise<void> {
  const adapter = await requestAdapter()
  const started =
    adapter !== null &&
    (await registerWebGpu(adapter, nobody)
      .then(() => tf.setBackend('webgpu'))
      .catch(() => false))
  if (started) return
  throw new RondoError(
    'ACCELERATOR_UNAVAILABLE',
    `The WebGPU device was lost and no other is to be had here (${adapter === null ? 'no adapter' : 'it does not start'}). ` +
      'A rank needs a device to go on. Reload the page, or start again with accelerator "wasm".',
  )
}

function deviceError(info: AdapterInfo, what: string, reason: string, message: string): RondoError {
  const name = [info.vendor || 'unknown vendor', info.architecture].join(' ').trim()
  return new RondoError(
    'ACCELERATOR_UNAVAILABLE',
    `The WebGPU device (${name}) ${what}: ${message.replace(/\.$/, '') || 'the browser gives no reason'}. ` +
      'A rank that trains with others gets a new one and their weights; alone it cannot go on. Reload the page to get a ' +
      'new device, use a smaller batch or model, or start with accelerator "wasm".',
    { details: { reason, message } },
  )
}
