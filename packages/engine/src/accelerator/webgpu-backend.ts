/**
 * Our own birth of tfjs's WebGPU backend. tfjs 4.22's own (tfjs-backend-webgpu/src/base.ts) dereferences a
 * missing adapter and never looks at `device.lost`, so every later operation silently does nothing; here the
 * adapter is checked first and a loss is reported. Delete when tfjs does both.
 */
import { type AdapterInfo, RondoError } from '@rondo/protocol'
import { tf, WebGPUBackend } from '../tfjs.ts'
import type { DeviceBackend } from '../webgpu-kernels/device.ts'
import { uploadThroughQueue } from '../webgpu-kernels/upload.ts'
import { adapterInfo } from './describe.ts'
import { fixArgMaxShape } from './webgpu-arg-max.ts'

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
const WANTED_FEATURES: readonly GPUFeatureName[] = ['timestamp-query', 'shader-f16']

interface LiveDevice {
  adapter: AdapterInfo
  device: GPUDevice
  /** Whom to tell of a loss. */
  listeners: Set<(error: RondoError) => void>
}

/** The device that tfjs's backend runs on. A second selection in the same realm must not orphan its tensors. */
let live: LiveDevice | null = null

/**
 * Opens a device on the adapter and registers tfjs's backend on it under 'webgpu'; a living one is kept.
 * @param onLost called when the device is lost for any reason but our own `destroy()`, or runs out of memory.
 */
export async function registerWebGpu(adapter: GPUAdapter, onLost: (error: RondoError) => void): Promise<AdapterInfo> {
  if (live !== null) {
    live.listeners.add(onLost)
    return live.adapter
  }
  const info = adapterInfo(adapter)
  const device = await adapter.requestDevice({
    requiredFeatures: WANTED_FEATURES.filter((name) => adapter.features.has(name)),
    requiredLimits: Object.fromEntries(RAISED_LIMITS.map((name) => [name, adapter.limits[name]])),
  })
  const opened: LiveDevice = { adapter: info, device, listeners: new Set([onLost]) }
  live = opened
  const tell = (what: string, reason: string, message: string) => {
    const error = deviceError(info, what, reason, message)
    for (const listener of opened.listeners) listener(error)
  }
  void device.lost.then(({ reason, message }) => {
    live = null
    if (reason !== 'destroyed') tell('was lost', reason, message)
  })
  device.addEventListener('uncapturederror', ({ error }) => {
    // tfjs goes on computing with the buffer that it did not get, so the results would be wrong.
    if (error instanceof GPUOutOfMemoryError) tell('ran out of memory', 'out-of-memory', error.message)
  })
  if (tf.engine().registryFactory['webgpu'] !== undefined) tf.removeBackend('webgpu')
  tf.registerBackend('webgpu', () => makeBackend(device, adapter.info) as never, BACKEND_PRIORITY)
  fixArgMaxShape()
  return info
}

function makeBackend(device: GPUDevice, info: GPUAdapterInfo): WebGPUBackend {
  const backend = new WebGPUBackend(device, info)
  uploadThroughQueue(backend as unknown as DeviceBackend)
  return backend
}

/** Gives the device back, after tfjs failed to start on it. */
export function abandonWebGpu(): void {
  live?.device.destroy()
  live = null
}

function deviceError(info: AdapterInfo, what: string, reason: string, message: string): RondoError {
  const name = [info.vendor || 'unknown vendor', info.architecture].join(' ').trim()
  return new RondoError(
    'ACCELERATOR_UNAVAILABLE',
    `The WebGPU device (${name}) ${what}: ${message || 'the browser gives no reason'}. ` +
      'A run needs its device from start to end. Reload the page to get a new device, use a smaller batch or model, ' +
      'or start with accelerator "wasm".',
    { details: { reason, message } },
  )
}
