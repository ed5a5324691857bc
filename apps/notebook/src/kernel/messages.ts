/**
 * What the notebook page and its kernel worker say to each other. Both ends ship together, so these are types
 * only. The kernel computes and controls; sockets, devices and runs belong to the page.
 */
import type { CellError, KernelOutput } from '@rondo/kernel/output'
import type { WireError } from '@rondo/protocol'

/** One try to run a cell. Outputs carry `executionId`; a cell that runs again gets a new one. */
export interface ExecuteRequest {
  executionId: string
  cellId: string
  /** The `[n]` that the cell gets. */
  cellNumber: number
  code: string
}

/** What a launch asks for, as written in the cell; the page resolves it to devices. */
export interface LaunchOptions {
  /** How it was started, for messages: `fabric.launch`, `trainer.fit`, `notebookLauncher` … */
  call: string
  /** Name of the launched function, for people. */
  name: string
  strategy: string
  devices: number | string | readonly number[] | null
  accelerator: string | null
  precision: string | null
  processGroupBackend: 'auto' | 'webrtc' | 'port' | 'relay'
}

/** Requests of the kernel that the page answers with `reply`. Byte payloads are @rondo/kernel/fork encodings. */
export type PageRequest =
  /** Runs a forked function on fresh or warm ranks. Value: ArrayBuffer of rank 0's encoded result. */
  | { do: 'launch'; program: ArrayBuffer; options: LaunchOptions }
  /** `%dist_init`. Value: DistStatus. */
  | { do: 'dist:init'; numProcesses: number | null; slots: number[] | null }
  /** A cell's code on some persistent ranks; null for all. Value: per rank its encoded last value, in rank order. */
  | { do: 'dist:run'; code: string; cellId: string; cellNumber: number; ranks: number[] | null }
  | { do: 'dist:sync' }
  | { do: 'dist:status' }
  | { do: 'dist:shutdown' }
  /** Slots that a launch could use now: local ones first. Value: SlotInfo[]. */
  | { do: 'slots' }

export interface SlotInfo {
  index: number
  node: string
  adapter: string
  local: boolean
  busy: boolean
  session: string
  /** Busy slots of the same machine. */
  load: number
}

export interface DistStatus {
  ranks: Array<{
    rank: number
    node: string
    adapter: string
    alive: boolean
    busy: boolean
    /** Bytes that tfjs holds there; null before the rank said. */
    memoryBytes: number | null
    lastLine: string
  }>
}

export type ToKernel =
  | { type: 'init'; origin: string; token: string }
  | ({ type: 'execute' } & ExecuteRequest)
  /** Awaiting code rejects at its next await; a loop that never yields does not hear it. */
  | { type: 'interrupt' }
  | { type: 'complete'; requestId: number; code: string; offset: number }
  | { type: 'reply'; requestId: number; value: unknown; error: WireError | CellError | null }

export type FromKernel =
  | { type: 'ready' }
  /** Several pieces at once, at most one message an animation frame's time while output streams. */
  | { type: 'outputs'; items: Array<{ executionId: string; output: KernelOutput }> }
  | { type: 'done'; executionId: string; status: 'ok' | 'error' | 'interrupted'; milliseconds: number }
  | { type: 'completions'; requestId: number; from: number; items: Completion[] }
  | { type: 'request'; requestId: number; executionId: string; request: PageRequest }

export interface Completion {
  label: string
  /** `variable`, `function`, `class`, `property`, `keyword`, `magic` */
  type: string
  detail: string
}
