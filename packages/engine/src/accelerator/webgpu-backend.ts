/**
 * Our own birth of tfjs's WebGPU backend. tfjs 4.22's own (tfjs-backend-webgpu/src/base.ts) dereferences a
 * missing adapter and never looks at `device.lost`, so every later operation silently does nothing; here the
 * adapter is checked first and a loss is reported. Delete when tfjs does both.
 */
import { type AdapterInfo, RondoError } from '@rondo/protocol'
import { tf, WebGPUBackend } from '../tfjs.ts'
import { adapterInfo } from './describe.ts'

/** tfjs sizes its buffers and workgroups by the device's limits, so the device gets the adapter's own. */
const RAISED_LIMITS = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxComputeWorkgroupStorageSize',
  'maxComputeWorkgroupsPerDimension',
  'maxComputeWorkgroupSizeX',
  'maxComputeInvocationsPerWorkgroup',
] as const

/** Timing queries for the profiler, f16 arithmetic for half precision: taken where the adapter has them. */
const WANTED_FEATURES: readonly GPUFeatureName[] = ['timestamp-query', 'shader-f16']

export interface WebGpuBirth {
  adapter: AdapterInfo
  device: GPUDevice
}

/**
 * Opens a device on the adapter and registers tfjs's backend on it under 'webgpu'.
 * @param onLost called once when the device is lost for any reason but our own `destroy()`.
 */
export async function registerWebGpu(adapter: GPUAdapter, onLost: (error: RondoError) => void): Promise<WebGpuBirth> {
  const info = adapterInfo(adapter)
  const device = await adapter.requestDevice({
    requiredFeatures: WANTED_FEATURES.filter((name) => adapter.features.has(name)),
    requiredLimits: Object.fromEntries(RAISED_LIMITS.map((name) => [name, adapter.limits[name]])),
  })
  void device.lost.then((loss) => {
    if (loss.reason === 'destroyed') return
    onLost(
      new RondoError(
        'ACCELERATOR_UNAVAILABLE',
        `The WebGPU device (${info.vendor || 'unknown vendor'} ${info.architecture}) was lost: ` +
          `${loss.message || 'the browser gives no reason'}. A run needs its device from start to end. ` +
          'Reload the page to get a new device, or start with accelerator "wasm".',
        { details: { reason: loss.reason ?? 'unknown', message: loss.message } },
      ),
    )
  })
  if (tf.engine().registryFactory['webgpu'] !== undefined) tf.removeBackend('webgpu')
  tf.registerBackend('webgpu', () => new WebGPUBackend(device, adapter.info) as never, 3)
  return { adapter: info, device }
}
