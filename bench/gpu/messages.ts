/** What `bench gpu` asks of its page and gets back. Types only. */

export interface CallCounts {
  submits: number
  dispatches: number
  readbacks: number
  copies: number
  writes: number
  newBuffers: number
}

export type StepForm = 'before' | 'now'

export interface BenchSizes {
  batch: number
  /** Pixels of a side. */
  image: number
  /** Units of the hidden layers. */
  widths: number[]
  /** Channels of the convolutions. */
  filters: number[]
  /** Timed steps. */
  steps: number
  /** Sides of square products. */
  products: number[]
  /** Calls between two reads, and how often all forms are measured in turn. */
  calls: number
  rounds: number
  /** Bytes of transfers. */
  bytes: number[]
}

export interface StepFigures {
  counts: CallCounts
  /** Milliseconds. */
  times: number[]
  parameters: number
  values: number
  buckets: number
}

export interface Transfer {
  bytes: number
  upload: number[]
  readback: number[]
}

export interface KernelTime {
  name: string
  flops: number
  /** Milliseconds of a call, by form. */
  times: Record<string, number[]>
}
