/** safetensors files without tfjs, for whoever only reads and writes them. */
export { type NumericArray, SAFETENSORS_TYPES, typeOfArray } from './dtypes.ts'
export { decodeSafetensors, encodeSafetensors, type NamedTensor, type SafetensorsContent } from './safetensors.ts'
