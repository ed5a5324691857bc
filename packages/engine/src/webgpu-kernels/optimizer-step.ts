/**
 * The shader of a fused optimizer step: several parameters a dispatch, each with a range of workgroups of its own, all
 * reading one flat gradient and writing flat state. As many parameters as the device binds buffers, because tfjs
 * keeps each variable in a buffer of its own and binds buffers whole. Not for: laying the buffers out.
 */
import type { Formula } from '../optimizers/fused/formula.ts'
import { pipelineOf } from './device.ts'

/** Threads of a workgroup: the most that every device allows. */
const WORKGROUP = 256
/** Values of one parameter that a workgroup takes care of. */
export const VALUES_PER_WORKGROUP = 4 * WORKGROUP
/** Bytes of an entry: four numbers and twelve scalars. */
export const ENTRY_BYTES = 64
/** Parameters of one dispatch; more would not fit the 64 KiB of a uniform buffer's guaranteed size, nor help. */
const MAX_PARAMETERS = 16

/** Parameters that one dispatch can take on this device. */
export function parametersPerDispatch(device: GPUDevice, formula: Formula): number {
  const gradient = 1
  const free = device.limits.maxStorageBuffersPerShaderStage - gradient - formula.slots
  return Math.min(MAX_PARAMETERS, Math.max(1, free))
}

/**
 * The pipeline for this many parameters. Bindings: 0 the table of entries, 1 the gradient, then the slots, then the
 * values of each parameter.
 */
export function stepPipeline(device: GPUDevice, formula: Formula, parameters: number): GPUComputePipeline {
  return pipelineOf(device, `rondo optimizer ${formula.loop} ×${parameters}`, () => source(formula, parameters))
}

function source({ wgsl, slots }: Formula, parameters: number): string {
  const slotIndices = Array.from({ length: slots }, (_, i) => i)
  const parameterIndices = Array.from({ length: parameters }, (_, i) => i)
  const body = wgsl.replace(/\ba\[(\d+)\]/g, (_, n: string) => `e.a[${Number(n) >> 2}].${'xyzw'[Number(n) & 3]}`)
  return `
struct Entry {
  first: u32,  // workgroup
  offset: u32, // of the parameter in gradient and slots
  count: u32,
  unused: u32,
  a: array<vec4<f32>, 3>,
}
@group(0) @binding(0) var<uniform> entries: array<Entry, ${parameters}>;
@group(0) @binding(1) var<storage, read> gradient: array<f32>;
${slotIndices.map((i) => `@group(0) @binding(${2 + i}) var<storage, read_write> slot${i}: array<f32>;`).join('\n')}
${parameterIndices.map((i) => `@group(0) @binding(${2 + slots + i}) var<storage, read_write> value${i}: array<f32>;`).join('\n')}

fn update(e: Entry, at: u32, value: f32) -> f32 {
  var w = value;
  let g = gradient[at] * e.a[0].x;
  ${slotIndices.map((i) => `var s${i} = slot${i}[at];`).join(' ')}
  ${body}
  ${slotIndices.map((i) => `slot${i}[at] = s${i};`).join(' ')}
  return w;
}

@compute @workgroup_size(${WORKGROUP})
fn main(
  @builtin(workgroup_id) id: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = id.y * groups.x + id.x;
${parameterIndices
  .toReversed()
  .map(
    (k) => `  if (group >= entries[${k}].first) {
    let e = entries[${k}];
    for (var j = 0u; j < ${VALUES_PER_WORKGROUP / WORKGROUP}u; j++) {
      let i = (group - e.first) * ${VALUES_PER_WORKGROUP}u + j * ${WORKGROUP}u + lane;
      if (i < e.count) { value${k}[i] = update(e, e.offset + i, value${k}[i]); }
    }
    return;
  }`,
  )
  .join('\n')}
}
`
}
