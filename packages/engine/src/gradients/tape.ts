/**
 * What tfjs records while a function runs under its gradient tape: one node an operation, in order. Records a loss
 * and picks the nodes that connect parameters with it (tfjs-core/src/tape.ts, `getFilteredNodesXToY`). Not for: going
 * back over them (stepped-backward.ts).
 */
import { invariant } from '@rondo/protocol'
import { tf } from '../tfjs.ts'

export interface TapeNode {
  id: number
  kernelName: string
  inputs: Record<string, tf.Tensor>
  outputs: tf.Tensor[]
  /** Kept copies that the gradient needs; whoever goes back over the node frees them. */
  saved: tf.Tensor[]
  /** Missing for operations that tfjs cannot differentiate. */
  gradient?: (dys: Array<tf.Tensor | null>) => Record<string, () => tf.Tensor>
}

/** The parts of tfjs's engine that `tf.grads` is made of (tfjs-core/src/engine.ts). */
interface RecordingEngine {
  state: { activeTape: TapeNode[] | null; gradientDepth: number }
  startTape(): void
  endTape(): void
}

/** What a function computed, and how. */
export interface Recorded<T extends tf.Tensor = tf.Tensor> {
  value: T
  tape: TapeNode[]
}

/** Runs `f` under a tape of its own, which becomes the caller's. If `f` throws, everything is freed. */
export function recordTape<T extends tf.Tensor>(f: () => T): Recorded<T> {
  const engine = tf.engine() as unknown as RecordingEngine
  invariant(engine.state.gradientDepth === 0, 'a tape may not be recorded inside another')
  let value: T | null = null
  engine.startTape()
  try {
    value = tf.tidy(f)
  } finally {
    engine.endTape()
    if (value === null) for (const { saved } of engine.state.activeTape ?? []) tf.dispose(saved)
  }
  const tape = engine.state.activeTape ?? []
  engine.state.activeTape = null
  return { value, tape }
}

/**
 * Splits a tape into the nodes on a way from one of `sources` to `target`, in order, each with only those inputs that
 * depend on a source, and the others.
 */
export function connectingNodes(
  tape: readonly TapeNode[],
  sources: readonly tf.Tensor[],
  target: tf.Tensor,
): { connecting: TapeNode[]; others: TapeNode[] } {
  const fromSource = new Set(sources.map(({ id }) => id))
  for (const { inputs, outputs } of tape) {
    if (tensorsOf(inputs).some(({ id }) => fromSource.has(id))) for (const { id } of outputs) fromSource.add(id)
  }
  const towardsTarget = new Set([target.id])
  const onTheWay = new Set<TapeNode>()
  for (const node of [...tape].reverse()) {
    if (!node.outputs.some(({ id }) => towardsTarget.has(id))) continue
    for (const { id } of tensorsOf(node.inputs)) towardsTarget.add(id)
    if (node.outputs.some(({ id }) => fromSource.has(id))) onTheWay.add(node)
  }
  const connecting = tape
    .filter((node) => onTheWay.has(node))
    .map((node) => ({
      ...node,
      inputs: Object.fromEntries(Object.entries(node.inputs).filter(([, input]) => input && fromSource.has(input.id))),
    }))
  return { connecting, others: tape.filter((node) => !onTheWay.has(node)) }
}

/** Optional inputs of a kernel may be there as undefined. */
function tensorsOf(inputs: TapeNode['inputs']): tf.Tensor[] {
  return Object.values(inputs).filter((input) => input != null)
}
