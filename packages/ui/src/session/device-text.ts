/** A device in a few words, honest about software adapters and missing WebGPU. Pure. */
import type { DeviceInfo } from '@rondo/protocol'
import { formatCount, formatMemory, plural } from '../format.ts'

/** `apple metal-3 (WebGPU)`, `SwiftShader (WebGPU in software)`, `8 cores (no WebGPU)`. */
export function deviceName(device: DeviceInfo): string {
  const cores = plural(device.cores, 'core')
  switch (device.webgpu) {
    case 'hardware':
      return `${adapterName(device)} (WebGPU)`
    case 'software':
      return `${cores}; WebGPU only in software (${adapterName(device)})`
    case 'none':
      return `${cores}, no WebGPU`
    case 'insecure':
      return `${cores}; no WebGPU at this address`
    default:
      return device.webgpu satisfies never
  }
}

function adapterName({ adapter }: DeviceInfo): string {
  if (adapter === null) return 'unknown adapter'
  const name = [adapter.vendor, adapter.architecture].filter((part) => part !== '').join(' ')
  return name || adapter.description || 'unnamed adapter'
}

/** Facts for the fold, in reading order. */
export function deviceFacts(device: DeviceInfo): Array<[name: string, value: string]> {
  const facts: Array<[string, string]> = []
  if (device.adapter !== null) {
    facts.push(['vendor', device.adapter.vendor || 'not told'])
    facts.push(['architecture', device.adapter.architecture || 'not told'])
    if (device.adapter.description !== '') facts.push(['description', device.adapter.description])
    facts.push(['adapter', device.adapter.isFallback ? 'software' : 'hardware'])
  }
  facts.push(['processor cores', String(device.cores)])
  for (const [name, value] of Object.entries(device.limits)) {
    facts.push([spaced(name), /size$/i.test(name) && value >= 1024 ? formatMemory(value) : formatCount(value)])
  }
  if (device.features.length > 0) facts.push(['features', device.features.join(', ')])
  facts.push(['secure context', device.secureContext ? 'yes' : 'no'])
  facts.push(['shared memory', device.crossOriginIsolated ? 'yes' : 'no (WASM runs on one thread)'])
  facts.push(['browser', device.userAgent])
  return facts
}

function spaced(name: string): string {
  return name.replaceAll(/([A-Z])/g, ' $1').toLowerCase()
}
