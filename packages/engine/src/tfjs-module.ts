/**
 * What a user's script receives for `import * as tf from '@tensorflow/tfjs'`: the engine's own copy, so that
 * there is one set of backends, kernels and variables in a rank. The only file that may use `export *`.
 */
export * from '@tensorflow/tfjs'
