/**
 * Which slots are around, as far as the code that asks can know: in a notebook those of the session, in a rank those of
 * its node in this run, elsewhere the one device of this page. Not for: choosing among them (usable.ts).
 */
import { selectAccelerator, tf } from '@rondo/engine'
import { RondoError } from '@rondo/protocol'
import { currentRankContext, type RankContext } from '../context.ts'
import { registerLaunchable } from '../launch/call.ts'
import { currentLauncher, type Launcher, type SlotStatus } from '../launch/launcher.ts'
import { launchOnRanks } from '../launch/on-ranks.ts'

export interface SlotDirectory {
  list(): Promise<readonly SlotStatus[]>
  /** Tries a small allocation on a free slot. Rejects where it does not work. */
  probe(index: number): Promise<void>
}

/** Values of the tensor that is tried. */
const PROBE_VALUES = 1_024
/** The name under which ranks know `probeHere`. */
const PROBE = 'rondo.probe'

/** The directory of whoever calls. */
export function slotDirectory(): SlotDirectory {
  const context = currentRankContext()
  if (context.config !== null) return runDirectory(context)
  const launcher = currentLauncher()
  return launcher?.list === undefined ? ownDirectory() : launcherDirectory(launcher, launcher.list)
}

function launcherDirectory(launcher: Launcher, list: NonNullable<Launcher['list']>): SlotDirectory {
  return {
    list: () => list.call(launcher),
    async probe(index) {
      await launchOnRanks({ launchable: PROBE }, [], {
        call: 'findUsableDevices',
        name: `a try of slot ${index}`,
        devices: [index],
        strategy: 'ddp_notebook',
        passFabric: false,
      })
    },
  }
}

/** The seats of this rank's node. A rank reaches its own device only, so it takes the others at their word. */
function runDirectory(context: RankContext): SlotDirectory {
  const seats = context.seats.filter((seat) => seat.nodeRank === context.nodeRank)
  return {
    list: async () =>
      seats.map(({ localRank, nodeLabel, state }) => ({
        index: localRank,
        node: nodeLabel,
        busy: state === 'lost' || state === 'failed',
        session: null,
        load: 0,
      })),
    async probe(index) {
      if (index === context.localRank) await probeHere()
    },
  }
}

function ownDirectory(): SlotDirectory {
  const context = currentRankContext()
  return {
    async list() {
      const chosen = context.accelerator ?? (await selectAccelerator('auto', { localRanks: 1 }).catch(() => null))
      context.accelerator ??= chosen
      return chosen === null ? [] : [{ index: 0, node: context.nodeLabel, busy: false, session: null, load: 0 }]
    },
    probe: probeHere,
  }
}

/** Makes a small tensor on this realm's device and reads it back. */
async function probeHere(): Promise<void> {
  const tensor = tf.fill([PROBE_VALUES], 1)
  const sum = tf.sum(tensor)
  try {
    const [value] = await sum.data()
    if (value !== PROBE_VALUES) {
      throw new RondoError('ACCELERATOR_UNAVAILABLE', `The device added ${PROBE_VALUES} ones up to ${value}.`)
    }
  } finally {
    tf.dispose([tensor, sum])
  }
}

registerLaunchable(PROBE, probeHere)
