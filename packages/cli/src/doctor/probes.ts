/** Functions that run inside the page: each is sent there as source, so it uses nothing from outside itself. */

export async function probeWebGpu(): Promise<{ kind: 'hardware' | 'software' | 'none'; text: string }> {
  const gpu = (navigator as { gpu?: GPU }).gpu
  if (gpu === undefined) return { kind: 'none', text: 'this browser has no WebGPU' }
  const adapter = await gpu.requestAdapter().catch(() => null)
  if (adapter === null) return { kind: 'none', text: 'no adapter: no GPU, or its driver is blocked' }
  const { vendor, architecture, description } = adapter.info
  const older = adapter as { isFallbackAdapter?: boolean }
  const software =
    older.isFallbackAdapter === true ||
    /swiftshader|llvmpipe|lavapipe|basic render/i.test(`${architecture} ${description}`)
  const text = [vendor, architecture, description].filter(Boolean).join(' ') || 'unnamed adapter'
  const half = adapter.features.has('shader-f16') ? ', shader-f16' : ''
  return { kind: software ? 'software' : 'hardware', text: text + half }
}

export function probeWasm(): { simd: boolean; threads: boolean; cores: number } {
  // A function that returns v128.const 0 … i8x16.popcnt: validates only where SIMD is known.
  const simd = WebAssembly.validate(
    new Uint8Array([
      0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11,
    ]),
  )
  const threads = globalThis.crossOriginIsolated && typeof SharedArrayBuffer !== 'undefined'
  return { simd, threads, cores: navigator.hardwareConcurrency }
}

/** Milliseconds of a round trip between two peers of this page, or why there was none. */
export async function probeWebRtc(): Promise<number | string> {
  const deadlineMs = 10_000
  const [a, b] = [new RTCPeerConnection(), new RTCPeerConnection()]
  try {
    a.onicecandidate = ({ candidate }) => void b.addIceCandidate(candidate ?? undefined).catch(() => undefined)
    b.onicecandidate = ({ candidate }) => void a.addIceCandidate(candidate ?? undefined).catch(() => undefined)
    const channel = a.createDataChannel('doctor')
    b.ondatachannel = (event) => {
      event.channel.onmessage = ({ data }) => event.channel.send(data)
    }
    const roundTrip = new Promise<number>((resolve) => {
      let sentAt = 0
      channel.onopen = () => {
        sentAt = performance.now()
        channel.send('ping')
      }
      channel.onmessage = () => resolve(performance.now() - sentAt)
    })
    await a.setLocalDescription(await a.createOffer())
    await b.setRemoteDescription(a.localDescription!)
    await b.setLocalDescription(await b.createAnswer())
    await a.setRemoteDescription(b.localDescription!)
    const late = new Promise<string>((resolve) =>
      setTimeout(() => resolve(`two peers here did not connect within ${deadlineMs / 1000} s`), deadlineMs),
    )
    return await Promise.race([roundTrip, late])
  } catch (thrown) {
    return String(thrown)
  } finally {
    a.close()
    b.close()
  }
}

/** What a rank would say of this device, or why there is no answer; the worker is ended in any case. */
export async function probeProducts(): Promise<{ ok: boolean; text: string }> {
  const deadlineMs = 60_000
  const worker = new Worker('/runtime/device-probe.js', { type: 'module' })
  try {
    return await new Promise((resolve) => {
      setTimeout(() => resolve({ ok: false, text: `no answer within ${deadlineMs / 1000} s: it hangs` }), deadlineMs)
      worker.onerror = ({ message }) => resolve({ ok: false, text: message || 'the worker did not load' })
      worker.onmessage = ({ data }) =>
        resolve(
          data.ok
            ? {
                ok: data.trouble === null,
                text: data.trouble ?? `answer (first one after ${(data.ms / 1000).toFixed(1)} s)`,
              }
            : { ok: false, text: data.message },
        )
    })
  } finally {
    worker.terminate()
  }
}
