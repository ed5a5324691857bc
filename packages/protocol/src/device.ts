/**
 * What a device says of itself: the facts a person needs to know which hardware takes part, and that the
 * server passes around. Not for: choosing an accelerator (engine).
 */
import * as v from 'valibot'

export const ACCELERATORS = ['webgpu', 'webgl', 'wasm', 'cpu'] as const
export type AcceleratorName = (typeof ACCELERATORS)[number]

const Text = v.pipe(v.string(), v.maxLength(300))

export const AdapterInfoSchema = v.object({
  vendor: Text,
  architecture: Text,
  description: Text,
  /** A software adapter (SwiftShader and the like): always shown, never picked silently. */
  isFallback: v.boolean(),
})
export type AdapterInfo = v.InferOutput<typeof AdapterInfoSchema>

export const DeviceInfoSchema = v.object({
  adapter: v.nullable(AdapterInfoSchema),
  /** What WebGPU is here; `insecure` means the page's address rules it out. */
  webgpu: v.picklist(['hardware', 'software', 'none', 'insecure']),
  features: v.pipe(v.array(Text), v.maxLength(64)),
  /** A handful of adapter limits by name, e.g. maxBufferSize in bytes. */
  limits: v.record(Text, v.number()),
  cores: v.pipe(v.number(), v.integer(), v.minValue(1)),
  secureContext: v.boolean(),
  crossOriginIsolated: v.boolean(),
  userAgent: Text,
})
export type DeviceInfo = v.InferOutput<typeof DeviceInfoSchema>
