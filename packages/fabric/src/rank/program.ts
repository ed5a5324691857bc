/**
 * The life of one rank: device, links, process group, script, report. Each outcome is told exactly once. Not
 * for: talking to the page (worker.ts) or what scripts call (fabric.ts).
 */
import { deviceLoss, parametersOf, selectAccelerator, weightsHash } from '@rondo/engine'
import {
  fromWireError,
  type GrowWish,
  MAX_RESULT_BYTES,
  type RankEvent,
  type RankReport,
  RondoError,
  type RunStart,
  toWireError,
  type WireError,
} from '@rondo/protocol'
import { acceptLinks } from '@rondo/transport'
import type { Download } from '../checkpoint/index.ts'
import { currentRankContext, type HandOver, type LargerWorld, RankContext, setRankContext } from '../context.ts'
import { env } from '../env.ts'
import { CommandQueue } from '../jobs/commands.ts'
import { createLastingGroup, type LastingGroup } from '../jobs/lasting-group.ts'
import { describeAdapter, sendSetup } from '../setup-event.ts'
import { measureClockOffset } from './clock-offset.ts'
import { httpRunFiles } from './files.ts'
import type { RankCommandMessage, RankGrow, RankInit } from './messages.ts'
import { RankTimeline } from './rank-timeline.ts'

export class RankProgram {
  readonly emit: (event: RankEvent) => void
  private readonly init: RankInit
  /** The world that this rank is in; another one once the run has grown. */
  private start: RunStart
  private whenGrown: ((message: RankGrow) => void) | null = null
  private readonly handOver: HandOver
  private readonly download: Download
  private readonly abort = new AbortController()
  private readonly commands = new CommandQueue()
  private group: LastingGroup | null = null
  private context: RankContext | null = null
  private timeline: RankTimeline | null = null
  private finished = false

  constructor(init: RankInit, emit: (event: RankEvent) => void, page: { handOver: HandOver; download: Download }) {
    this.init = init
    this.start = init.start
    this.emit = emit
    this.handOver = page.handOver
    this.download = page.download
  }

  async run(): Promise<void> {
    try {
      const context = await this.prepare()
      const result = await this.runScript()
      for (const model of context.models) await model.syncWeights()
      await context.finalizeLoggers('success')
      await context.during('barrier', 'end of script', () =>
        context.group.barrier('end of script', { signal: this.abort.signal }),
      )
      await this.finish(result)
    } catch (error) {
      if (!endedOnPurpose(error)) return this.fail(error)
      await this.context?.finalizeLoggers('success')
      await this.finish(null)
    }
  }

  /** Keeps it for the script; a script that never reads commands fails when too many wait. */
  command({ commandId, data }: RankCommandMessage): void {
    try {
      this.commands.push({ commandId, data })
    } catch (error) {
      this.fail(error)
    }
  }

  /** The controller has done what `grow` asked for. */
  grown(message: RankGrow): void {
    this.whenGrown?.(message)
  }

  /** The run ends from outside: everything this rank waits for rejects. */
  stop(error: WireError | null, reason: string): void {
    const cause = error ? fromWireError(error) : new RondoError('ABORTED', `The run was stopped: ${reason}`)
    if (!this.finished) void this.context?.finalizeLoggers('aborted')
    this.finished = true
    this.timeline?.close()
    this.group?.abort(cause)
    this.commands.close(cause)
    this.abort.abort(cause)
  }

  /** Tells the session that this rank failed, and the other ranks through the group. */
  fail(thrown: unknown): void {
    if (this.finished) return
    this.finished = true
    this.timeline?.close()
    const wire = this.describe(causeOf(thrown))
    this.group?.abort(fromWireError(wire))
    const report = this.context ? this.reportNow(this.context, null, null) : null
    this.emit({ kind: 'error', error: wire, report })
    // Goes on while the run is ended elsewhere; the page leaves a stopped rank two seconds.
    void this.context?.finalizeLoggers('failed')
  }

  private async prepare(): Promise<RankContext> {
    const { start, rank, linkPort } = this.init
    const { config, seats } = start
    const localRanks = seats.filter((seat) => seat.nodeRank === seats[rank]?.nodeRank).length
    const threads = config.env['OMP_NUM_THREADS']
    const [accelerator, links] = await Promise.all([
      selectAccelerator(config.accelerator ?? 'auto', {
        localRanks,
        // Before the context is there nothing can be made good.
        onDeviceLost: (error) => (this.context === null ? this.fail(error) : currentRankContext().deviceLost(error)),
        ...(threads ? { threads: Number(threads) } : {}),
      }),
      this.acceptLinks(start, linkPort),
    ])
    const { origin, uploadToken, session } = this.init
    const { signal } = this.abort
    const context = new RankContext({
      ...(await this.join(start, links)),
      accelerator,
      files: httpRunFiles({ origin, runId: start.runId, token: uploadToken, signal }),
      emit: this.emit,
      handOver: this.handOver,
      download: this.download,
      signal,
      session,
      fail: (error) => this.fail(error),
      commands: this.commands,
      grow: config.growable && seats.length === 1 ? (devices) => this.grow(devices) : null,
    })
    this.context = context
    setRankContext(context)
    for (const note of accelerator.notes) if (context.localRank === 0) console.info(note)
    this.emit({ kind: 'ready', links: context.group.linkReports() })
    return context
  }

  private acceptLinks({ config, seats }: RunStart, linkPort: MessagePort): ReturnType<typeof acceptLinks> {
    const timeoutMs = config.startTimeoutSeconds * 1000
    return acceptLinks(linkPort, {
      rank: this.init.rank,
      worldSize: seats.length,
      signal: this.abort.signal,
      timeoutMs,
    })
  }

  /** Joins the process group of a world, the first one or the larger one. */
  private async join(start: RunStart, links: Awaited<ReturnType<typeof acceptLinks>>): Promise<LargerWorld> {
    const { config, seats, generation } = start
    const { signal } = this.abort
    const group = await createLastingGroup({
      rank: this.init.rank,
      worldSize: seats.length,
      generation,
      links,
      nodeLabels: seats.map((seat) => seat.nodeLabel),
      places: seats,
      timeoutMs: config.stepTimeoutSeconds * 1000,
      signal,
    })
    this.group = group
    if (config.timeline) {
      this.timeline?.close()
      this.timeline = new RankTimeline(this.emit, await measureClockOffset(group, signal), seats.length)
    }
    const { idleSlots = 0 } = start
    return { group, seats, config, regroup: () => group.regroup(), spans: this.timeline?.add ?? null, idleSlots }
  }

  /** `fabric.launch()` of a script that began alone: asks for ranks, waits for them, and goes on among them. */
  private async grow(devices: number): Promise<void> {
    if (this.whenGrown !== null) {
      throw new RondoError(
        'UNSUPPORTED',
        'fabric.launch(): the ranks of this script exist already or are on their way. Launch once, and hand the Fabric that launched on.',
        { rank: this.init.rank },
      )
    }
    const timeoutMs = this.start.config.startTimeoutSeconds * 1000
    const wish: GrowWish = { rondo: 'grow', devices }
    const answered = untilCalled<RankGrow>(this.abort.signal, timeoutMs, (resolve) => {
      this.whenGrown = resolve
    })
    this.emit({ kind: 'message', data: wish })
    const { start, linkPort } = await answered
    this.start = start
    const links = await this.acceptLinks(start, linkPort)
    await this.group?.close()
    const world = await this.join(start, links)
    this.context?.enter(world)
    this.emit({ kind: 'ready', links: world.group.linkReports() })
  }

  private async runScript(): Promise<unknown> {
    const { script, args } = this.start.config
    const module = (await import(/* @vite-ignore */ this.init.origin + script.url)) as { default?: unknown }
    if (typeof module.default !== 'function') return null
    const result: unknown = await module.default([...args], env)
    return result ?? null
  }

  private async finish(result: unknown): Promise<void> {
    const context = this.context
    if (!context || this.finished) return
    sendSetup(context, { learningRate: null, batchSize: null, parameters: null })
    const model = context.models.at(-1)
    const hash = model ? await weightsHash(parametersOf(model.module)) : null
    const report = this.reportNow(context, hash, resultForReport(result))
    this.finished = true
    this.timeline?.close()
    this.emit({ kind: 'done', report })
  }

  private reportNow(context: RankContext, hash: string | null, result: unknown): RankReport {
    const { group, reporter, accelerator } = context
    reporter.flush()
    return {
      rank: group.rank,
      node: context.nodeLabel,
      localRank: context.localRank,
      accelerator: accelerator?.name ?? null,
      adapter: describeAdapter(context),
      weightsHash: hash,
      steps: reporter.steps,
      samples: reporter.samples,
      bytesSent: group.bytesSent,
      bytesReceived: group.bytesReceived,
      msPerStep: reporter.medians(),
      result,
    }
  }

  /** An error of the script keeps its name, message and stack; the rank is added where nothing says it yet. */
  private describe(thrown: unknown): WireError {
    const wire = toWireError(thrown, 'SCRIPT_FAILED')
    const { seats } = this.start
    const rank = wire.rank ?? this.init.rank
    return { ...wire, rank, node: wire.node ?? seats[rank]?.nodeLabel ?? '' }
  }
}

/** Waits for whoever gets `resolve` to call it; rejects with the signal's reason, or TIMEOUT. */
function untilCalled<T>(
  signal: AbortSignal,
  timeoutMs: number,
  hand: (resolve: (value: T) => void) => void,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      const message = `fabric.launch(): no further ranks came within ${timeoutMs / 1000} s (--timeout). Look at the other pages, or raise --timeout.`
      reject(new RondoError('TIMEOUT', message))
    }, timeoutMs)
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    hand((value) => {
      clearTimeout(timer)
      resolve(value)
    })
  })
}

/** What a script meets on a lost device are only consequences of the loss, unless the error says more. */
function causeOf(thrown: unknown): unknown {
  const aware = thrown instanceof RondoError && thrown.code === 'ACCELERATOR_UNAVAILABLE'
  return aware ? thrown : (deviceLoss() ?? thrown)
}

/** `exit(0)` is a good end. */
function endedOnPurpose(error: unknown): boolean {
  return error instanceof RondoError && error.details?.['exitCode'] === 0
}

/** A result goes into the report if JSON can hold it and it is small; else a note says why not. */
function resultForReport(result: unknown): unknown {
  let text: string | undefined
  try {
    text = JSON.stringify(result)
  } catch (error) {
    return { note: `The result cannot be written as JSON: ${String(error)}` }
  }
  if (text === undefined) return { note: `The result is a ${typeof result}, which JSON cannot hold.` }
  if (text.length > MAX_RESULT_BYTES) {
    return {
      note: `The result takes ${text.length} bytes as JSON; at most ${MAX_RESULT_BYTES} are kept. Save it with fabric.save.`,
    }
  }
  return JSON.parse(text)
}
