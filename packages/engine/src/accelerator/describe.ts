/**
 * What this page, worker or Node process could compute on: adapter, limits, cores and the page's security,
 * found without switching anything on. Not for: choosing (select.ts).
 */
import type { AdapterInfo, DeviceInfo } from '@rondo/protocol'

/** The limits that decide whether a model fits: bytes, except the workgroup sizes. */
const REPORTED_LIMITS = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupsPerDimension',
] as const

/** Names under which drivers that compute on the processor introduce themselves. */
const SOFTWARE_ADAPTER = /swiftshader|llvmpipe|lavapipe|softpipe|basic render|warp/i

/** Characters; the longest text that the protocol's DeviceInfo takes. */
const MAX_TEXT = 300
const MAX_FEATURES = 64

const short = (text: string | undefined): string => (text ?? '').slice(0, MAX_TEXT)

/** True where WebGPU is missing only because the page's address is not secure (http on a LAN address). */
export function isInsecure(): boolean {
  return typeof isSecureContext === 'boolean' && !isSecureContext
}

/** Reads an adapter's own account of itself. Knows both places where browsers keep `isFallbackAdapter`. */
export function adapterInfo(adapter: GPUAdapter): AdapterInfo {
  const info = adapter.info as (GPUAdapterInfo & { isFallbackAdapter?: boolean }) | undefined
  const older = adapter as { isFallbackAdapter?: boolean }
  const names = [info?.vendor, info?.architecture, info?.device, info?.description].join(' ')
  return {
    vendor: short(info?.vendor),
    architecture: short(info?.architecture),
    description: short(info?.description),
    isFallback: info?.isFallbackAdapter === true || older.isFallbackAdapter === true || SOFTWARE_ADAPTER.test(names),
  }
}

/**
 * The adapter that WebGPU would use here: the fast one, else whatever the browser offers as a fallback.
 * Null in Node, on insecure pages and where the browser blocks WebGPU.
 */
export async function requestAdapter(): Promise<GPUAdapter | null> {
  const gpu = typeof navigator === 'undefined' ? undefined : (navigator.gpu as GPU | undefined)
  if (gpu === undefined) return null
  const fast = await gpu.requestAdapter({ powerPreference: 'high-performance' }).catch(() => null)
  return fast ?? (await gpu.requestAdapter({ forceFallbackAdapter: true }).catch(() => null))
}

/** Processor cores that this realm may use; at least 1. */
export function coreCount(): number {
  const cores = typeof navigator === 'undefined' ? undefined : (navigator.hardwareConcurrency as number | undefined)
  if (cores !== undefined && cores > 0) return cores
  const { process } = globalThis as { process?: { availableParallelism?: () => number } }
  return process?.availableParallelism?.() ?? 1
}

/** Browsers of different age know different limits; unknown ones are left out. */
function reportedLimits(adapter: GPUAdapter): Record<string, number> {
  const limits = adapter.limits as { readonly [name: string]: number | undefined } & GPUSupportedLimits
  return Object.fromEntries(
    REPORTED_LIMITS.flatMap((name) => (limits[name] === undefined ? [] : [[name, limits[name]]])),
  )
}

/** Everything the server, the join page and `rondo doctor` show of this device. Selects nothing. */
export async function describeDevice(): Promise<DeviceInfo> {
  const adapter = await requestAdapter()
  const info = adapter === null ? null : adapterInfo(adapter)
  const { process } = globalThis as { process?: { version?: string } }
  return {
    adapter: info,
    webgpu: info !== null ? (info.isFallback ? 'software' : 'hardware') : isInsecure() ? 'insecure' : 'none',
    features: adapter === null ? [] : [...adapter.features].slice(0, MAX_FEATURES),
    limits: adapter === null ? {} : reportedLimits(adapter),
    cores: coreCount(),
    secureContext: !isInsecure(),
    crossOriginIsolated: globalThis.crossOriginIsolated === true,
    userAgent: short(globalThis.navigator?.userAgent ?? `Node ${process?.version ?? ''}`.trim()),
  }
}
