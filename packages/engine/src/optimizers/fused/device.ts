/**
 * Optimizer steps on WebGPU: state of all parameters in flat buffers, gradients written into one flat buffer beside
 * it, and a dispatch for as many parameters as the device binds at once. tfjs operations took about 14 dispatches a
 * parameter. Not for: the shader (webgpu-kernels/optimizer-step.ts) or when to use it (optimizer.ts).
 */
import type { Parameter } from '../../model/parameters.ts'
import type { tf } from '../../tfjs.ts'
import {
  bufferOf,
  computePass,
  copyEncoder,
  type DeviceBackend,
  emptyTensor,
  noteUse,
  TENSOR_USAGE,
  VALUE_BYTES,
} from '../../webgpu-kernels/device.ts'
import {
  ENTRY_BYTES,
  parametersPerDispatch,
  stepPipeline,
  VALUES_PER_WORKGROUP,
} from '../../webgpu-kernels/optimizer-step.ts'
import { readRanges } from '../../webgpu-kernels/readback.ts'
import { type FusedRule, type Scalars, scalarsOf } from './formula.ts'

/** UNIFORM | COPY_DST. */
const UNIFORM_USAGE = 0x40 | 0x08

/** Flat buffers for a number of parameters that together fit the device's limit for one binding. */
interface Shard {
  gradient: GPUBuffer
  slots: GPUBuffer[]
}

/** A parameter's range in its shard's buffers, in values. */
interface Place {
  shard: Shard
  offset: number
  size: number
}

export interface DeviceUpdateOrder {
  parameter: Parameter
  /** Which update of this parameter it is, from 1. */
  step: number
}

export class DeviceStep {
  readonly backend: DeviceBackend
  private readonly rule: FusedRule
  private readonly places = new Map<string, Place>()
  private readonly shards: Shard[] = []
  /** Entries of all dispatches of a step. */
  private table: GPUBuffer | null = null

  constructor(backend: DeviceBackend, rule: FusedRule) {
    this.backend = backend
    this.rule = rule
  }

  /**
   * Makes room for the parameters that have none yet, in the order given, so that gradients that come in this order
   * are written as a whole. `saved` gives a slot's first values; null for zeros.
   */
  place(parameters: readonly Parameter[], saved: (name: string, slot: number) => Float32Array | null): void {
    const fresh = parameters.filter(({ name }) => !this.places.has(name))
    const most = Math.floor(this.backend.device.limits.maxStorageBufferBindingSize / VALUE_BYTES)
    for (let from = 0; from < fresh.length; ) {
      let size = 0
      let to = from
      while (to < fresh.length) {
        const more = (fresh[to] as Parameter).variable.size
        if (to > from && size + more > most) break
        size += more
        to++
      }
      this.addShard(fresh.slice(from, to), size, saved)
      from = to
    }
  }

  private addShard(
    parameters: readonly Parameter[],
    size: number,
    saved: (name: string, slot: number) => Float32Array | null,
  ): void {
    const { device, queue } = this.backend
    const create = (): GPUBuffer =>
      device.createBuffer({ size: Math.max(1, size) * VALUE_BYTES, usage: TENSOR_USAGE, label: 'rondo optimizer' })
    const shard: Shard = { gradient: create(), slots: Array.from({ length: this.rule.formula.slots }, create) }
    this.shards.push(shard)
    let offset = 0
    for (const { name, variable } of parameters) {
      this.places.set(name, { shard, offset, size: variable.size })
      for (const [i, slot] of shard.slots.entries()) {
        const values = saved(name, i)
        if (values !== null) queue.writeBuffer(slot, offset * VALUE_BYTES, values as Float32Array<ArrayBuffer>)
      }
      offset += variable.size
    }
  }

  /** Takes gradients that lie one after the other in an array, in the order of `parameters`. */
  writeGradients(parameters: readonly Parameter[], values: Float32Array): void {
    let read = 0
    for (let i = 0; i < parameters.length; ) {
      const first = this.placeOf(parameters[i] as Parameter)
      let size = first.size
      // What lies together on the device too is written together.
      for (i++; i < parameters.length; i++) {
        const next = this.placeOf(parameters[i] as Parameter)
        if (next.shard !== first.shard || next.offset !== first.offset + size) break
        size += next.size
      }
      if (size > 0) {
        const { gradient } = first.shard
        this.backend.queue.writeBuffer(
          gradient,
          first.offset * VALUE_BYTES,
          values as Float32Array<ArrayBuffer>,
          read,
          size,
        )
      }
      read += size
    }
  }

  /** Takes gradients that are on the device already, by copies there. */
  copyGradients(pairs: ReadonlyArray<readonly [Parameter, tf.Tensor]>): void {
    const { backend } = this
    const sources = pairs.map(([parameter, tensor]) => ({
      place: this.placeOf(parameter),
      buffer: bufferOf(backend, tensor),
    }))
    const encoder = copyEncoder(backend)
    for (const { place, buffer } of sources) {
      if (place.size === 0) continue
      encoder.copyBufferToBuffer(buffer, 0, place.shard.gradient, place.offset * VALUE_BYTES, place.size * VALUE_BYTES)
    }
    noteUse(
      backend,
      pairs.map(([, tensor]) => tensor),
      false,
    )
  }

  /** Updates these parameters by `scale` times the gradients that were taken, and submits. */
  run(updates: readonly DeviceUpdateOrder[], scale: number): void {
    const { backend, rule } = this
    const { device } = backend
    const known = new Map<number, Scalars>()
    const scalars = (step: number): Scalars => {
      const found = known.get(step) ?? scalarsOf(rule, step, scale)
      known.set(step, found)
      return found
    }
    const perDispatch = parametersPerDispatch(device, rule.formula)
    const batches = this.shards.flatMap((shard) => {
      const mine = updates.filter(({ parameter }) => {
        const place = this.placeOf(parameter)
        return place.shard === shard && place.size > 0
      })
      return Array.from({ length: Math.ceil(mine.length / perDispatch) }, (_, i) => ({
        shard,
        updates: mine.slice(i * perDispatch, (i + 1) * perDispatch),
      }))
    })
    if (batches.length === 0) return
    const stride = alignTo(perDispatch * ENTRY_BYTES, device.limits.minUniformBufferOffsetAlignment)
    const bytes = new ArrayBuffer(batches.length * stride)
    const workgroups = batches.map((batch, b) => this.fillEntries(batch.updates, scalars, bytes, b * stride))
    const table = this.tableOf(bytes.byteLength)
    backend.queue.writeBuffer(table, 0, bytes)
    const bound = batches.map(({ updates: batch }) => batch.map(({ parameter }) => this.ownBuffer(parameter.variable)))
    const pass = computePass(backend)
    for (const [b, { shard, updates: batch }] of batches.entries()) {
      const pipeline = stepPipeline(device, rule.formula, batch.length)
      const buffers = [shard.gradient, ...shard.slots, ...(bound[b] as GPUBuffer[])]
      const entries: GPUBindingResource = { buffer: table, offset: b * stride, size: batch.length * ENTRY_BYTES }
      pass.setPipeline(pipeline)
      pass.setBindGroup(
        0,
        device.createBindGroup({
          layout: pipeline.getBindGroupLayout(0),
          entries: [entries, ...buffers.map((buffer) => ({ buffer }))].map((resource, binding) => ({
            binding,
            resource,
          })),
        }),
      )
      const count = workgroups[b] as number
      const columns = Math.min(count, device.limits.maxComputeWorkgroupsPerDimension)
      pass.dispatchWorkgroups(columns, Math.ceil(count / columns))
      noteUse(
        backend,
        batch.map(({ parameter }) => parameter.variable),
        true,
      )
    }
    // At once, because the next step overwrites gradients and table in queue order, before what is only recorded.
    backend.endComputePassEncoder()
    backend.submitQueue()
  }

  /** @returns the number of workgroups */
  private fillEntries(
    updates: readonly DeviceUpdateOrder[],
    scalars: (step: number) => Scalars,
    bytes: ArrayBuffer,
    start: number,
  ): number {
    let workgroups = 0
    for (const [i, { parameter, step }] of updates.entries()) {
      const { offset, size } = this.placeOf(parameter)
      const at = start + i * ENTRY_BYTES
      new Uint32Array(bytes, at, 3).set([workgroups, offset, size])
      new Float32Array(bytes, at + 16, 12).set(scalars(step))
      workgroups += Math.ceil(size / VALUES_PER_WORKGROUP)
    }
    return workgroups
  }

  /** The variable's buffer, for writing: one that a clone shares is left to the clone, and a copy is taken. */
  private ownBuffer(variable: tf.Variable): GPUBuffer {
    const { backend } = this
    const buffer = bufferOf(backend, variable)
    if (backend.refCount(variable.dataId) === 1) return buffer
    const copy = emptyTensor(backend, variable.shape)
    const own = bufferOf(backend, copy)
    copyEncoder(backend).copyBufferToBuffer(buffer, 0, own, 0, variable.size * VALUE_BYTES)
    noteUse(backend, [variable, copy], false)
    variable.assign(copy)
    copy.dispose()
    return own
  }

  /** Reads the slots of these parameters, in order, in one go; one list of arrays a parameter. */
  async readSlots(names: readonly string[]): Promise<Float32Array<ArrayBuffer>[][]> {
    const places = names.map((name) => this.places.get(name) as Place)
    const ranges = places.flatMap(({ shard, offset, size }) => shard.slots.map((buffer) => ({ buffer, offset, size })))
    const values = await readRanges(this.backend, ranges)
    let at = 0
    return places.map(({ shard, size }) =>
      shard.slots.map(() => {
        at += size
        return values.slice(at - size, at)
      }),
    )
  }

  dispose(): void {
    for (const { gradient, slots } of this.shards) for (const buffer of [gradient, ...slots]) buffer.destroy()
    this.table?.destroy()
    this.places.clear()
    this.shards.length = 0
    this.table = null
  }

  private placeOf({ name }: Parameter): Place {
    return this.places.get(name) as Place
  }

  private tableOf(bytes: number): GPUBuffer {
    if (this.table !== null && this.table.size >= bytes) return this.table
    this.table?.destroy()
    this.table = this.backend.device.createBuffer({ size: bytes, usage: UNIFORM_USAGE, label: 'rondo optimizer' })
    return this.table
  }
}

const alignTo = (bytes: number, alignment: number): number => Math.ceil(bytes / alignment) * alignment
