/**
 * The gradient of a convolution by its filter, a workgroup for four output channels of one filter tap, its threads
 * sharing the positions and joined by subgroup sums where the device has them. tfjs gives every filter value one
 * thread that walks all positions: 1,152 threads of 43,000 steps for the second layer of a small net, where a GPU
 * wants ten thousand at least. Not for: dilation and channels first (tfjs's).
 */
import type { tf } from '../tfjs.ts'
import type { DeviceBackend } from './device.ts'
import { runKernel } from './run.ts'

const THREADS = 64
/** Output channels of a workgroup. */
const CHANNELS = 4

/** The parts of tfjs's Conv2DInfo that the shader takes. */
export interface ConvInfo {
  batchSize: number
  inHeight: number
  inWidth: number
  inChannels: number
  outHeight: number
  outWidth: number
  outChannels: number
  filterHeight: number
  filterWidth: number
  strideHeight: number
  strideWidth: number
  dilationHeight: number
  dilationWidth: number
  padInfo: { top: number; left: number }
}

/** Whether this kernel takes the convolution: filters and channels in tfjs's standard layout, sizes that fit. */
export function filterGradFits(backend: DeviceBackend, info: ConvInfo): boolean {
  const { inChannels, outChannels, filterHeight, filterWidth } = info
  const most = backend.device.limits.maxComputeWorkgroupsPerDimension
  const taps = filterHeight * filterWidth * inChannels
  return info.dilationHeight === 1 && info.dilationWidth === 1 && taps <= most && outChannels / CHANNELS <= most
}

/** d loss / d filter, [filterHeight, filterWidth, inChannels, outChannels], from x and d loss / d output. */
export function convFilterGradient(
  backend: DeviceBackend,
  x: tf.TensorInfo,
  dy: tf.TensorInfo,
  info: ConvInfo,
  subgroups = backend.device.features.has('subgroups' as GPUFeatureName),
): tf.Tensor {
  const { filterHeight, filterWidth, inChannels, outChannels, padInfo } = info
  return runKernel(backend, {
    key: `rondo conv filter gradient ${subgroups}`,
    source: () => filterGradSource(subgroups),
    inputs: [x, dy],
    shape: [filterHeight, filterWidth, inChannels, outChannels],
    uniforms: [
      info.batchSize,
      info.inHeight,
      info.inWidth,
      inChannels,
      info.outHeight,
      info.outWidth,
      outChannels,
      filterWidth,
      info.strideHeight,
      info.strideWidth,
      padInfo.top,
      padInfo.left,
    ],
    workgroups: [filterHeight * filterWidth * inChannels, Math.ceil(outChannels / CHANNELS), 1],
  })
}

/** WGSL, with the sum over a workgroup by subgroups or by a tree. */
export function filterGradSource(subgroups: boolean): string {
  const treeSum = `
  shares[lane] = sum;
  for (var reach = ${THREADS / 2}u; reach > 0u; reach /= 2u) {
    workgroupBarrier();
    if (lane < reach) { shares[lane] += shares[lane + reach]; }
  }
  let total = shares[0];`
  // Sums of subgroups, of whatever size the device gives them, then over them.
  const subgroupSum = `
  let mine = subgroupAdd(sum);
  if (subgroupElect()) { shares[lane / width] = mine; }
  workgroupBarrier();
  var total = vec4<f32>(0.0);
  if (lane == 0u) { for (var i = 0u; i < (${THREADS}u + width - 1u) / width; i++) { total += shares[i]; } }`
  return `
${subgroups ? 'enable subgroups;' : ''}
struct Info {
  batch: u32, inHeight: u32, inWidth: u32, inChannels: u32,
  outHeight: u32, outWidth: u32, outChannels: u32, filterWidth: u32,
  strideHeight: u32, strideWidth: u32, padTop: u32, padLeft: u32,
}
@group(0) @binding(0) var<uniform> info: Info;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> dy: array<f32>;
@group(0) @binding(3) var<storage, read_write> result: array<f32>;
var<workgroup> shares: array<vec4<f32>, ${THREADS}>;

@compute @workgroup_size(${THREADS})
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
  ${subgroups ? '@builtin(subgroup_size) width: u32,' : ''}
) {
  let inChannel = group.x % info.inChannels;
  let tap = group.x / info.inChannels;
  let tapRow = i32(tap / info.filterWidth) - i32(info.padTop);
  let tapColumn = i32(tap % info.filterWidth) - i32(info.padLeft);
  let first = group.y * ${CHANNELS}u;
  let channels = min(${CHANNELS}u, info.outChannels - first);
  var sum = vec4<f32>(0.0);
  let positions = info.outHeight * info.outWidth;
  for (var p = lane; p < info.batch * positions; p += ${THREADS}u) {
    let image = p / positions;
    let row = i32((p % positions) / info.outWidth * info.strideHeight) + tapRow;
    let column = i32(p % info.outWidth * info.strideWidth) + tapColumn;
    if (row < 0 || column < 0 || row >= i32(info.inHeight) || column >= i32(info.inWidth)) { continue; }
    let at = ((image * info.inHeight + u32(row)) * info.inWidth + u32(column)) * info.inChannels + inChannel;
    let start = p * info.outChannels + first;
    var next = vec4<f32>(dy[start], 0.0, 0.0, 0.0);
    if (channels > 1u) { next.y = dy[start + 1u]; }
    if (channels > 2u) { next.z = dy[start + 2u]; }
    if (channels > 3u) { next.w = dy[start + 3u]; }
    sum += x[at] * next;
  }
  ${subgroups ? subgroupSum : treeSum}
  if (lane == 0u) {
    let to = group.x * info.outChannels + first;
    result[to] = total.x;
    if (channels > 1u) { result[to + 1u] = total.y; }
    if (channels > 2u) { result[to + 2u] = total.z; }
    if (channels > 3u) { result[to + 3u] = total.w; }
  }
}
`
}
