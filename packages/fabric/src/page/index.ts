/** What a page needs to run ranks: no tfjs, no user code. */
export type { DirectRanks } from './direct-line.ts'
export { NodeHost, type NodeHostOptions } from './node-host.ts'
