/** What a page needs to run ranks: no tfjs, no user code. */
export { NodeHost, type NodeHostOptions } from './node-host.ts'
