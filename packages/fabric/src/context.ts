/**
 * What a rank knows of its run: process group, seat, configuration, and the ways out to the page. The rank
 * worker sets it before the script's first line; without a run there is a context of one rank. Not for: what
 * a script configures (fabric.ts).
 */
import { type ProcessGroup, singleProcessGroup } from '@rondo/collectives'
import type { Optimizer, SelectedAccelerator } from '@rondo/engine'
import type { Logger, RunStatus } from '@rondo/loggers'
import {
  invariant,
  type Lane,
  type RankEvent,
  RondoError,
  type RunConfig,
  type Seat,
  type SpanSink,
} from '@rondo/protocol'
import { type CheckpointIO, SafetensorsIO } from './checkpoint/checkpoint-io.ts'
import { type CheckpointFiles, checkpointFiles, type Download } from './checkpoint/place.ts'
import { ContextRecovery } from './device-recovery.ts'
import { type RankEnvironment, rankEnvironment } from './environment.ts'
import type { FabricModel } from './fabric-model.ts'
import { CommandQueue } from './jobs/commands.ts'
import type { ResolvedOptions } from './options.ts'
import { StepReporter } from './reporter.ts'
import type { RankPrecision } from './training/rank-precision.ts'

/** Where files of a run are kept; by name, relative to the run's folder. */
export interface RunFiles {
  /** Stores a whole file, atomically. */
  write(name: string, bytes: Uint8Array<ArrayBuffer>): Promise<void>
  /** The same of pieces that follow one another, a little at a time, so that training goes on; absent where there is nothing to gain. */
  writeParts?(name: string, parts: ReadonlyArray<Uint8Array<ArrayBuffer>>): Promise<void>
  /** Reads a whole file. Throws BAD_FILE when it is not there. */
  read(name: string): Promise<Uint8Array<ArrayBuffer>>
  /**
   * Puts bytes at byte `at`, the end of a file that is there; what lies behind is replaced, so that a repeated call is
   * harmless. Absent where files are only written whole.
   */
  append?(name: string, bytes: Uint8Array<ArrayBuffer>, at: number): Promise<void>
  /** Removes a checkpoint (`*.ckpt`); absent where files stay. */
  remove?(name: string): Promise<void>
  /** Names of the files and folders in a folder ('' for the run's own); empty where it is not there. */
  list?(folder: string): Promise<string[]>
  /** Makes `name` another name of the file `target`, which is there; in the place of whatever `name` was. */
  link?(name: string, target: string): Promise<void>
}

/**
 * Gives bytes to the page that runs this rank, under a name; the array is emptied. For what the run's controller waits
 * for when it is on that page: it needs no server.
 */
export type HandOver = (name: string, bytes: Uint8Array<ArrayBuffer>) => void

/** Resolves once everybody is there and the context is that of a rank in the larger world. */
export type Grow = (devices: number) => Promise<void>

/** What of a context changes when its run grows. */
export type LargerWorld = Required<
  Pick<RankContextOptions, 'group' | 'seats' | 'config' | 'regroup' | 'spans' | 'idleSlots'>
>

export interface RankContextOptions {
  group: ProcessGroup
  seats: readonly Seat[]
  /** null when no run was started: a script or page that uses Fabric alone. */
  config: RunConfig | null
  accelerator: SelectedAccelerator | null
  files: RunFiles
  emit: (event: RankEvent) => void
  /** Absent where no page runs this rank. */
  handOver?: HandOver | null
  /** Gives a file to the person at the page; absent where no page runs this rank. */
  download?: Download | null
  signal: AbortSignal
  /** Name of the session; absent where a page uses Fabric alone. */
  session?: string | null
  /** Ends this rank with an error that no call of the script can throw, such as a lost device. */
  fail?: (error: RondoError) => void
  /** What the run's controller tells this rank; absent where nobody does. */
  commands?: CommandQueue
  /** Makes a new group on the same links, on all ranks. */
  regroup?: () => Promise<void>
  /** Asks the controller for a world of so many ranks on this node; absent where the run keeps its size. */
  grow?: Grow | null
  /** What this context was made for; null for a script's own. */
  job?: 'launch' | 'cell' | null
  /** Takes what this rank does when; absent without a timeline. */
  spans?: SpanSink | null
  /** Slots of this rank's node that are in the session and take no part. */
  idleSlots?: number
}

export class RankContext {
  // The world that this rank is in: changed by `enter` alone, so that whoever holds this context goes on with it.
  group: ProcessGroup
  seats: readonly Seat[]
  config: RunConfig | null
  env: RankEnvironment
  regroup: () => Promise<void>
  /** Null where the run keeps its size, and once it has grown. */
  grow: Grow | null
  spans: SpanSink | null
  idleSlots: number
  readonly files: RunFiles
  readonly signal: AbortSignal
  readonly reporter: StepReporter
  readonly emit: (event: RankEvent) => void
  readonly handOver: HandOver | null
  readonly download: Download | null
  /** Where checkpoints may lie, by path: files of the run, storage of the browser, downloads. */
  readonly places: CheckpointFiles
  /** How checkpoints are stored; a plugin may take its place. */
  checkpointIO: CheckpointIO
  readonly fail: (error: RondoError) => void
  readonly commands: CommandQueue
  readonly job: 'launch' | 'cell' | null
  readonly session: string | null
  accelerator: SelectedAccelerator | null
  /** Models set up so far; the last one's weights are hashed for the report. */
  readonly models: FabricModel[] = []
  /** Optimizers set up so far, in the same order on all ranks. */
  readonly optimizers: Optimizer[] = []
  /** Loggers that were attached to this rank: they are ended with it. */
  readonly loggers = new Set<Logger>()
  readonly devices: ContextRecovery
  /** What the script's Fabric resolved to; null before one was made. */
  resolved: ResolvedOptions | null = null
  /** What the precision comes to here; absent before a model is set up or a forward runs. */
  precision?: RankPrecision
  /** Whether the script has launched: a script that began alone may do it once. */
  scriptLaunched = false
  /** Whether its end was told to loggers and environment. */
  ended = false
  /** Whether the setup event went out. */
  announced = false
  /** Batches of one step, told by whoever drives the loop; null counts those of the first step. */
  accumulation: number | null = null

  constructor(options: RankContextOptions) {
    this.group = options.group
    this.seats = options.seats
    this.config = options.config
    this.accelerator = options.accelerator
    this.files = options.files
    this.signal = options.signal
    this.emit = options.emit
    this.handOver = options.handOver ?? null
    this.download = options.download ?? null
    const { files, download } = this
    this.places = checkpointFiles({
      run: {
        write: (name, bytes) => files.write(name, bytes),
        read: (name) => files.read(name),
        remove: async (name) => files.remove?.(name),
      },
      download,
    })
    this.checkpointIO = new SafetensorsIO(this.places)
    this.fail = options.fail ?? ((error) => console.error(error.message))
    this.commands = options.commands ?? new CommandQueue()
    this.regroup = options.regroup ?? (async () => {})
    this.grow = options.grow ?? null
    this.job = options.job ?? null
    this.session = options.session ?? null
    this.spans = options.spans ?? null
    this.idleSlots = options.idleSlots ?? 0
    this.devices = new ContextRecovery(this, this)
    this.env = rankEnvironment(options.config, options.seats, options.group.rank)
    this.reporter = new StepReporter(options.emit, () => this.group.linkReports())
  }

  /** The run has grown: from now on this is a rank of the larger world. */
  enter(world: LargerWorld): void {
    const { config, seats, group } = world
    Object.assign(this, world, { grow: null })
    this.env = rankEnvironment(config, seats, group.rank)
  }

  /** Runs `work` and puts it on the timeline, if there is one; also when it fails. */
  async during<T>(lane: Lane, name: string, work: () => Promise<T>): Promise<T> {
    const start = performance.now()
    try {
      return await work()
    } finally {
      this.spans?.({ lane, name, start, end: performance.now() })
    }
  }

  /**
   * Ends all loggers of this rank, so that nothing of what they have is lost; failures are told and end nothing. The
   * cluster's environment, if a plugin brought one, hears of the end too.
   */
  async finalizeLoggers(status: RunStatus): Promise<void> {
    if (!this.ended) this.resolved?.plugins.ClusterEnvironment?.teardown()
    this.ended = true
    if (this.group.rank !== 0) return
    const ends = await Promise.allSettled([...this.loggers].map((logger) => logger.finalize(status)))
    for (const end of ends) if (end.status === 'rejected') console.warn(messageOf(end.reason))
  }

  /** The device was lost or ran out of memory: the next step makes it good where it can, else this rank fails. */
  deviceLost(error: RondoError): void {
    if (!this.devices.takes(error)) this.fail(error)
  }

  get seat(): Seat | null {
    return this.seats.find((seat) => seat.rank === this.group.rank) ?? null
  }

  get nodeRank(): number {
    return this.seat?.nodeRank ?? 0
  }

  get localRank(): number {
    return this.seat?.localRank ?? 0
  }

  /** Ranks on this rank's node. */
  get localWorldSize(): number {
    return this.seats.filter((seat) => seat.nodeRank === this.nodeRank).length || 1
  }

  /** Ranks of this rank's node, ascending. */
  get nodeRanks(): number[] {
    const own = this.seats.filter((seat) => seat.nodeRank === this.nodeRank).map((seat) => seat.rank)
    return own.length > 0 ? own.sort((a, b) => a - b) : [this.group.rank]
  }

  get numNodes(): number {
    return new Set(this.seats.map((seat) => seat.nodeRank)).size || 1
  }

  /** How the node is called by people. */
  get nodeLabel(): string {
    return this.seat?.nodeLabel ?? 'this page'
  }
}

function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown)
}

let base: RankContext | null = null
let current: RankContext | null = null

/** Sets the context of this worker. Once: a worker is one rank of one run. */
export function setRankContext(context: RankContext): void {
  invariant(base === null, 'a worker is one rank of one run')
  base = context
  current = context
}

/** The context that this worker began with, whatever job runs now. */
export function baseRankContext(): RankContext {
  base ??= soloContext()
  return base
}

/** From now on this one is current. For jobs only (jobs/jobs.ts). */
export function enterContext(context: RankContext): void {
  current = context
}

/** This worker's context; a world of one when no run set it. */
export function currentRankContext(): RankContext {
  current ??= baseRankContext()
  return current
}

function soloContext(): RankContext {
  const refuse = (): never => {
    throw new RondoError(
      'STORAGE_FAILED',
      'There is no run here, so no folder for files. Start the script with "rondo run SCRIPT" to save and load.',
    )
  }
  return new RankContext({
    group: singleProcessGroup(),
    seats: [],
    config: null,
    accelerator: null,
    files: { write: async () => refuse(), read: async () => refuse() },
    emit: () => {},
    signal: new AbortController().signal,
  })
}
