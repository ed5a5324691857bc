/**
 * How long each all-reduce takes on a topology by the cost model, and with that which one is taken. A group of ranks
 * that share what is behind their far links (a machine's network, a browser's connections) shares its bandwidth.
 * Not for: what links cost (cost-model.ts), running anything (all-reduce.ts). Checked by the simulator (bench algorithms).
 */
import { coresOf, partnersAt } from './algorithms/halving.ts'
import { type AllReduceAlgorithm, type CostModel, classesIn, type LinkCost, worstOf } from './cost-model.ts'
import { GROUP_LEVELS, type GroupLevel, LINK_CLASSES, type LinkClass, type Topology } from './topology.ts'

/** Ranks. Beyond this, all links at once cost more memory and interrupts than the saved steps are worth. */
const MAX_ALL_LINKS_RANKS = 64

export interface AllReduceChoice {
  readonly algorithm: AllReduceAlgorithm
  /** What the groups of two-level share. */
  readonly level?: GroupLevel
}

/** One exchange of recursive halving: whether any pair is far, and how many pairs cross the busiest group's border. */
interface HalvingStep {
  readonly far: boolean
  readonly crossings: number
}

/** The groups of two-level, and what links inside and between them cost. */
interface Level {
  readonly count: number
  readonly owners: number
  readonly largest: number
  readonly near: Required<LinkCost>
  readonly far: Required<LinkCost>
}

export class AllReduceChooser {
  readonly #topology: Topology
  readonly #messageBytes: number
  /** Of the farthest links that there are, and of all others. */
  readonly #far: Required<LinkCost>
  readonly #near: Required<LinkCost>
  /** Ranks by what they share of the far links. */
  readonly #sizes: readonly number[]
  readonly #halving: readonly HalvingStep[]
  readonly #levels: ReadonlyMap<GroupLevel, Level>

  constructor(topology: Topology, messageBytes: number, model: CostModel) {
    this.#topology = topology
    this.#messageBytes = messageBytes
    const classes = classesIn(topology)
    const farthest = classes.at(-1)!
    this.#far = worstOf(model, [farthest])
    this.#near = worstOf(model, classes.slice(0, -1))
    const below = GROUP_LEVELS[LINK_CLASSES.indexOf(farthest) - 1]
    const groups = below === undefined ? topology.order.map((rank) => [rank]) : topology.groups(below)
    this.#sizes = groups.map((group) => group.length)
    const groupOf = new Map(groups.flatMap((group, i) => group.map((rank) => [rank, i] as const)))
    const { cores } = coresOf(topology.worldSize)
    this.#halving = Array.from({ length: Math.log2(cores) }, (_, step) => {
      const crossings = groups.map(() => 0)
      for (const [a, b] of partnersAt(topology.order, step)) {
        const [first, second] = [groupOf.get(a)!, groupOf.get(b)!]
        if (first === second) continue
        crossings[first]!++
        crossings[second]!++
      }
      return { far: crossings.some((count) => count > 0), crossings: Math.max(...crossings) }
    })
    const counts = GROUP_LEVELS.map((level) => topology.groups(level).length)
    // As many groups as one level below are the same groups.
    const levels = GROUP_LEVELS.filter(
      (_, i) => counts[i]! > 1 && counts[i]! < topology.worldSize && counts[i] !== counts[i - 1],
    )
    this.#levels = new Map(levels.map((level) => [level, levelOf(level, topology, model)]))
  }

  /** The fastest for `bytes` per rank on the wire; of equals the one with fewer steps. */
  choose(bytes: number): AllReduceChoice {
    let best: AllReduceChoice = { algorithm: 'ring' }
    let bestMs = this.ms(best, bytes)
    for (const choice of this.candidates(bytes)) {
      const ms = this.ms(choice, bytes)
      if (ms > bestMs) continue
      best = choice
      bestMs = ms
    }
    return best
  }

  /**
   * What a caller asked for; undefined for two levels where no two ranks share anything or all share everything. Doubling
   * of more than a message is halving: the same partners, fewer bytes.
   */
  resolve(wanted: AllReduceAlgorithm | 'auto', bytes: number): AllReduceChoice | undefined {
    if (wanted === 'auto') return this.choose(bytes)
    if (wanted === 'doubling' && bytes > this.#messageBytes) return { algorithm: 'halving' }
    if (wanted !== 'two-level') return { algorithm: wanted }
    const choices = [...this.#levels.keys()].map((level) => ({ algorithm: wanted, level }))
    return choices.sort((a, b) => this.ms(a, bytes) - this.ms(b, bytes))[0]
  }

  /** All that come into question, those with more steps first. */
  candidates(bytes: number): AllReduceChoice[] {
    const found: AllReduceChoice[] = [{ algorithm: 'ring' }]
    for (const level of this.#levels.keys()) found.push({ algorithm: 'two-level', level })
    found.push({ algorithm: 'halving' })
    // One message at most: a partner's would replace what has not left yet.
    if (bytes <= this.#messageBytes) found.push({ algorithm: 'doubling' })
    if (this.#topology.worldSize > MAX_ALL_LINKS_RANKS) return found
    found.push({ algorithm: 'mesh' })
    // Direct holds whole copies and reduces only when all of them came, which the model does not see: one message at most.
    if (bytes <= this.#messageBytes) found.push({ algorithm: 'direct' })
    return found
  }

  /** Estimated milliseconds. */
  ms({ algorithm, level }: AllReduceChoice, bytes: number): number {
    switch (algorithm) {
      case 'direct':
        return this.#allToAll(1, bytes)
      case 'mesh':
        return this.#allToAll(2, bytes / this.#topology.worldSize)
      case 'ring':
        return this.#ring(bytes)
      case 'halving':
        return this.#recursive(bytes, (step) => 2 ** -(step + 1), 2)
      case 'doubling':
        return this.#recursive(bytes, () => 1, 1)
      case 'two-level':
        return this.#twoLevel(this.#levels.get(level!)!, bytes)
      default:
        return algorithm satisfies never
    }
  }

  /** Every rank sends `bytes` to every other, `rounds` times. */
  #allToAll(rounds: number, bytes: number): number {
    const ranks = this.#topology.worldSize
    const farCopies = Math.max(...this.#sizes.map((size) => size * (ranks - size)))
    const nearCopies = Math.max(...this.#sizes) - 1
    const busy = Math.max(farCopies * busyMs(bytes, this.#far), nearCopies * busyMs(bytes, this.#near))
    return rounds * (this.#latency() + busy)
  }

  #ring(bytes: number): number {
    const ranks = this.#topology.worldSize
    const steps = 2 * (ranks - 1)
    const message = Math.min(bytes / ranks, this.#messageBytes)
    // One link of each group is far. A chunk of many messages hides the latency of its step.
    const crossing = this.#sizes.length === 1 ? ranks : this.#sizes.length
    const hops = crossing * hopMs(message, this.#far) + (ranks - crossing) * hopMs(message, this.#near)
    return this.#far.latencyMs + Math.max((steps / ranks) * hops, steps * travelMs(bytes / ranks, this.#far))
  }

  /** Exchanges at growing distances, `times` each, of the share of `bytes` that `part` says. */
  #recursive(bytes: number, part: (step: number) => number, times: number): number {
    const { cores, extra } = coresOf(this.#topology.worldSize)
    let ms = 0
    this.#halving.forEach(({ far, crossings }, step) => {
      const sent = part(step) * bytes
      const busy = Math.max(crossings * busyMs(sent, this.#far), far ? 0 : busyMs(sent, this.#near))
      ms += times * ((far ? this.#latency() : this.#near.latencyMs) + busy)
    })
    // Two vectors more, one each way, among neighbours; the farthest of them counts.
    if (extra > 0) ms += 2 * hopMs(bytes, this.#sizes.length < cores ? this.#near : this.#far)
    return ms
  }

  #twoLevel({ count, owners, largest, near, far }: Level, bytes: number): number {
    const shard = bytes / owners
    // An owner gives away all shards but its own and takes its own from all, then hands it out finished.
    const given = (largest > owners ? owners : owners - 1) * shard
    const nearMs = travelMs(Math.max(given, (largest - 1) * shard), near) + travelMs((largest - 1) * shard, near)
    const steps = 2 * (count - 1)
    const message = Math.min(shard / count, this.#messageBytes)
    // A message of every shard crosses the border before the next step's can.
    const farMs = steps * Math.max(travelMs(bytes / count, far), far.latencyMs + owners * busyMs(message, far))
    const insideMs = 2 * (near.latencyMs + (largest - 1) * busyMs(message, near))
    return insideMs + far.latencyMs + Math.max(nearMs, farMs)
  }

  #latency(): number {
    return Math.max(this.#far.latencyMs, this.#near.latencyMs)
  }
}

function levelOf(level: GroupLevel, topology: Topology, model: CostModel): Level {
  const sizes = topology.groups(level).map((group) => group.length)
  const classes = classesIn(topology)
  const isNear = (of: LinkClass): boolean => LINK_CLASSES.indexOf(of) <= LINK_CLASSES.indexOf(level)
  return {
    count: sizes.length,
    owners: Math.min(...sizes),
    largest: Math.max(...sizes),
    near: worstOf(model, classes.filter(isNear)),
    far: worstOf(
      model,
      classes.filter((of) => !isNear(of)),
    ),
  }
}

function travelMs(bytes: number, { bytesPerSecond }: LinkCost): number {
  return (1000 * bytes) / bytesPerSecond
}

/** How long a message of so many bytes keeps a link's end from sending the next. */
function busyMs(bytes: number, link: Required<LinkCost>): number {
  return link.gapMs + travelMs(bytes, link)
}

/** From handing over a message of so many bytes until it can be passed on. */
function hopMs(bytes: number, link: Required<LinkCost>): number {
  return link.latencyMs + busyMs(bytes, link)
}
