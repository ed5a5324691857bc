/**
 * Rounding to 16-bit formats on webgpu, by the bits: WGSL's own conversion to f16 may round either way, and replicas on
 * different GPUs must agree. `roundFloats` of precision/half.ts is the plain form. Not for: arithmetic in half precision.
 */
import type { HalfType } from '../precision/half.ts'
import { tf } from '../tfjs.ts'
import type { DeviceBackend } from './device.ts'
import { runKernel } from './run.ts'

/** Threads of a workgroup. */
const WORKGROUP = 256
/** Values of a thread. */
const OWN = 4

/** `x` rounded, a new tensor; its size must not be 0. */
export function roundOnDevice(backend: DeviceBackend, x: tf.TensorInfo, type: HalfType): tf.Tensor {
  const size = tf.util.sizeFromShape(x.shape)
  const groups = Math.ceil(size / (WORKGROUP * OWN))
  const most = backend.device.limits.maxComputeWorkgroupsPerDimension
  const rows = Math.ceil(groups / most)
  return runKernel(backend, {
    key: `rondo round ${type}`,
    source: () => roundHalfSource(type),
    inputs: [x],
    shape: x.shape,
    uniforms: [size],
    workgroups: [Math.min(groups, most), rows, 1],
  })
}

/** Takes the size of a value's bits (sign off) and gives those of the rounded size. */
const ROUND: Readonly<Record<HalfType, string>> = {
  // Below 2^-14 all values are multiples of 2^-24: dropping so many bits leaves those, as many again per power of two.
  f16: `
  if (a < 0x38800000u) {
    if (a < 0x33000000u) { return 0u; }
    let drop = 126u - (a >> 23u);
    let full = (a & 0x007fffffu) | 0x00800000u;
    let units = (full + (1u << (drop - 1u)) - 1u + ((full >> drop) & 1u)) >> drop;
    return bitcast<u32>(f32(units) * 5.9604644775390625e-8);
  }
  let near = (a + 0x00000fffu + ((a >> 13u) & 1u)) & 0xffffe000u;
  return select(near, 0x7f800000u, near >= 0x47800000u);`,
  bf16: `
  return (a + 0x00007fffu + ((a >> 16u) & 1u)) & 0xffff0000u;`,
}

/** WGSL of a format. Values are read and written as bits, so that no device flushes what it takes for too small. */
export function roundHalfSource(type: HalfType): string {
  return `
struct Uniforms { size: u32 }
@group(0) @binding(0) var<uniform> uniforms: Uniforms;
@group(0) @binding(1) var<storage, read> x: array<u32>;
@group(0) @binding(2) var<storage, read_write> out: array<u32>;

fn rounded(a: u32) -> u32 {
  if (a >= 0x7f800000u) { return a; }${ROUND[type]}
}

@compute @workgroup_size(${WORKGROUP})
fn main(
  @builtin(workgroup_id) id: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let start = (id.y * groups.x + id.x) * ${WORKGROUP * OWN}u + lane;
  for (var j = 0u; j < ${OWN}u; j++) {
    let i = start + j * ${WORKGROUP}u;
    if (i < uniforms.size) {
      let bits = x[i];
      out[i] = (bits & 0x80000000u) | rounded(bits & 0x7fffffffu);
    }
  }
}
`
}
