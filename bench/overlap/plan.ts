/** What the overlap bench's command asks its ranks for, and what they give back: JSON on both ways. */
import type { StepTimes } from '@rondo/protocol'

export interface OverlapPlan {
  width: number
  depth: number
  heads: number
  context: number
  /** Windows of text a rank and step. */
  batch: number
  /** Steps that are measured, each with and without overlap. */
  steps: number
  /** Steps before them. */
  warmUp: number
  /** Name of the communication hook; fp32 is none. */
  hook: string
}

export interface WayFigures {
  overlap: boolean
  steps: StepTimes[]
  weightsHash: string
}

export interface OverlapResult {
  parameters: number
  ways: WayFigures[]
}
