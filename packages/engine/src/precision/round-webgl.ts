/** Rounding to 16-bit formats as a fragment shader of tfjs's webgl backend. Needs WebGL 2, whose shaders see bits. */
import { RondoError } from '@rondo/protocol'
import { tf } from '../tfjs.ts'
import type { HalfType } from './half.ts'

/** What is used of tfjs's MathBackendWebGL. */
interface WebglBackend {
  compileAndRun(program: object, inputs: tf.TensorInfo[], dtype: string): tf.TensorInfo
}

const ROUND: Readonly<Record<HalfType, string>> = {
  f16: `
    if (a < 0x38800000u) {
      if (a < 0x33000000u) return 0u;
      uint drop = 126u - (a >> 23u);
      uint full = (a & 0x007fffffu) | 0x00800000u;
      uint units = (full + (1u << (drop - 1u)) - 1u + ((full >> drop) & 1u)) >> drop;
      return floatBitsToUint(float(units) * 5.9604644775390625e-8);
    }
    uint near = (a + 0x00000fffu + ((a >> 13u) & 1u)) & 0xffffe000u;
    return near >= 0x47800000u ? 0x7f800000u : near;`,
  bf16: `
    return (a + 0x00007fffu + ((a >> 16u) & 1u)) & 0xffff0000u;`,
}

/** `x` rounded, a new tensor. Throws UNSUPPORTED where the browser has only WebGL 1. */
export function roundOnWebgl(backend: object, x: tf.TensorInfo, type: HalfType): tf.TensorInfo {
  if (tf.env().getNumber('WEBGL_VERSION') < 2) {
    throw new RondoError(
      'UNSUPPORTED',
      'Half precision on webgl needs WebGL 2, and this browser has WebGL 1. Use accelerator "wasm" or precision "32-true".',
    )
  }
  const program = {
    variableNames: ['A'],
    outputShape: x.shape,
    userCode: `
  uint rounded(uint a) {
    if (a >= 0x7f800000u) return a;${ROUND[type]}
  }
  void main() {
    uint bits = floatBitsToUint(getAAtOutCoords());
    setOutput(uintBitsToFloat((bits & 0x80000000u) | rounded(bits & 0x7fffffffu)));
  }`,
  }
  return (backend as WebglBackend).compileAndRun(program, [x], 'float32')
}
