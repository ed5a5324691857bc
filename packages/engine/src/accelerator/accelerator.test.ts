/** Names of accelerators, and what is chosen in Node and, by a stand-in for `navigator.gpu`, in a browser. */
import { DeviceInfoSchema } from '@rondo/protocol'
import * as v from 'valibot'
import { afterEach, expect, test, vi } from 'vitest'
import { tf } from '../tfjs.ts'
import { adapterInfo, describeDevice } from './describe.ts'
import { normaliseAccelerator } from './names.ts'
import { selectAccelerator } from './select.ts'

afterEach(() => {
  vi.unstubAllGlobals()
})

/** An adapter as browsers describe it; its device fails, which is all that Node can offer. */
function adapter(info: Partial<GPUAdapterInfo>): GPUAdapter {
  const limits = { maxBufferSize: 1024 }
  const requestDevice = () => Promise.reject(new Error('no device in Node'))
  return { info, limits, features: new Set(['shader-f16']), requestDevice } as unknown as GPUAdapter
}

function stubBrowser(fast: GPUAdapter | null, software: GPUAdapter | null = null): void {
  const requestAdapter = async (options: GPURequestAdapterOptions) => (options.forceFallbackAdapter ? software : fast)
  vi.stubGlobal('navigator', { gpu: { requestAdapter }, hardwareConcurrency: 6, userAgent: 'x'.repeat(999) })
}

test('names: case, aliases with a note, unknown ones with the list, TPUs by their rule', () => {
  expect(normaliseAccelerator('WebGPU')).toEqual({ name: 'webgpu', note: null })
  for (const alias of ['gpu', 'CUDA', 'mps']) {
    expect(normaliseAccelerator(alias)).toEqual({
      name: 'webgpu',
      note: expect.stringContaining(`"${alias}" means "webgpu"`),
    })
  }
  expect(() => normaliseAccelerator('quantum')).toThrow(/"quantum".*auto, webgpu, webgl, wasm, cpu, gpu, cuda, mps/)
  expect(() => normaliseAccelerator(undefined)).toThrow(expect.objectContaining({ code: 'BAD_ARGUMENT' }))
  expect(() => normaliseAccelerator('constructor')).toThrow(expect.objectContaining({ code: 'BAD_ARGUMENT' }))
  for (const name of ['tpu', 'TPU-v4', 'xla'])
    expect(() => normaliseAccelerator(name)).toThrow(/no TPU access.*webgpu.*wasm/)
})

test('auto without WebGPU takes wasm and says why', async () => {
  const selected = await selectAccelerator('auto', { localRanks: 64 })
  expect(selected).toMatchObject({ name: 'wasm', requested: 'auto', adapter: null, threads: 1, notes: [] })
  expect(selected.reason).toMatch(/no GPU backend was found/)
  expect(tf.getBackend()).toBe('wasm')
})

test('auto never takes a software adapter, and notes a device that fails', async () => {
  stubBrowser(null, adapter({ vendor: 'google', architecture: 'swiftshader' }))
  expect(await selectAccelerator('auto')).toMatchObject({
    name: 'wasm',
    reason: 'only a software WebGPU adapter is here',
  })
  stubBrowser(adapter({ vendor: 'acme', architecture: 'fast' }))
  const failed = await selectAccelerator('auto')
  expect(failed).toMatchObject({ name: 'wasm', reason: 'the WebGPU adapter gave no working device' })
  expect(failed.notes.join()).toMatch(/no device in Node/)
})

test('auto on an insecure page says so; webgpu by name is refused there with both remedies', async () => {
  vi.stubGlobal('isSecureContext', false)
  vi.stubGlobal('location', { href: 'http://192.0.2.7:29400/join' })
  expect((await selectAccelerator('auto')).reason).toMatch(/not a secure context/)
  const refusal = await selectAccelerator('cuda').catch((error: unknown) => error)
  expect(refusal).toMatchObject({ code: 'INSECURE_CONTEXT' })
  expect(String(refusal)).toMatch(/"cuda".*Usable here: .*wasm.*http:\/\/192\.0\.2\.7:29400\/join.*https.*localhost/)
})

test('webgpu by name without an adapter lists what is usable', async () => {
  const refusal = await selectAccelerator('gpu').catch((error: unknown) => error)
  expect(refusal).toMatchObject({ code: 'ACCELERATOR_UNAVAILABLE' })
  expect(String(refusal)).toMatch(/no GPU backend was found.*Usable here: wasm, cpu/)
  await expect(selectAccelerator('wasm', { threads: 0 })).rejects.toThrow(/threads is 0/)
})

test('software adapters are known by flag, by older flag and by name', () => {
  expect(adapterInfo(adapter({ vendor: 'acme' })).isFallback).toBe(false)
  expect(adapterInfo(adapter({ isFallbackAdapter: true })).isFallback).toBe(true)
  expect(adapterInfo(Object.assign(adapter({}), { isFallbackAdapter: true })).isFallback).toBe(true)
  expect(adapterInfo(adapter({ description: 'llvmpipe (LLVM 15)' })).isFallback).toBe(true)
})

test('a description fits the protocol, here and in a browser, and selects nothing', async () => {
  await selectAccelerator('cpu')
  const here = await describeDevice()
  expect(v.parse(DeviceInfoSchema, here)).toMatchObject({ adapter: null, webgpu: 'none' })
  stubBrowser(adapter({ vendor: 'acme', architecture: 'fast' }))
  const browser = v.parse(DeviceInfoSchema, await describeDevice())
  expect(browser).toMatchObject({
    webgpu: 'hardware',
    cores: 6,
    features: ['shader-f16'],
    limits: { maxBufferSize: 1024 },
  })
  vi.stubGlobal('isSecureContext', false)
  vi.stubGlobal('navigator', { hardwareConcurrency: 2, userAgent: 'test' })
  expect(await describeDevice()).toMatchObject({ webgpu: 'insecure', secureContext: false })
  expect(tf.getBackend()).toBe('cpu')
})
