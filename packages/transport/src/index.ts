/** Links between ranks, whatever carries them. Imports `@rondo/protocol` only. */
export type { Link, LinkEnd, LinkStats } from './link.ts'
export { type MemoryMesh, type MemoryMeshOptions, memoryMesh } from './memory-link.ts'
