/** What is compared: strategies by a short name, and how each sends one step's gradients. Not for: measuring. */
import { DdpStrategy, DiLoCoStrategy, LocalSGDStrategy, type Strategy } from '@rondo/strategies'
import { badFlag } from '../flags.ts'

export interface HookChoice {
  hook: string
  state?: Record<string, unknown>
}

export interface Method {
  name: string
  /** The hook that a step's gradients go through; null where none travel. */
  hook: HookChoice | null
  strategy(): Strategy
  /** What the issue of this bench wants of it against f32; null where nothing was set. */
  wanted: { accuracyLoss?: number; fasterThan?: number; fewerBytes?: number } | null
}

/** Steps with plain averages before PowerSGD compresses: a hundredth of a short run, as PyTorch's 1,000 of a long one. */
const POWER_SGD_START = 10
/** Steps between meetings, so that 50 times fewer bytes than DDP's leave room for the last meeting. */
const LOCAL_STEPS = 64

const ddp = (name: string, hook: HookChoice, wanted: Method['wanted']): Method => ({
  name,
  hook,
  strategy: () => new DdpStrategy({ ddpCommHook: hook.hook, ...(hook.state ? { ddpCommState: hook.state } : {}) }),
  wanted,
})

const powerSGD = (rank: number): HookChoice => ({
  hook: 'powerSGD',
  state: { matrixApproximationRank: rank, startPowerSGDIter: POWER_SGD_START },
})

export const METHODS: readonly Method[] = [
  ddp('f32', { hook: 'fp32' }, null),
  ddp('f16', { hook: 'fp16' }, { fasterThan: 1.8, accuracyLoss: 0.1 }),
  ddp('bf16', { hook: 'bf16' }, null),
  ddp('int8', { hook: 'int8' }, { fasterThan: 3.4, accuracyLoss: 0.2 }),
  ddp('powerSGD-1', powerSGD(1), { fewerBytes: 10, accuracyLoss: 0.5 }),
  ddp('powerSGD-2', powerSGD(2), { fewerBytes: 10, accuracyLoss: 0.5 }),
  ddp('powerSGD-4', powerSGD(4), { fewerBytes: 10, accuracyLoss: 0.5 }),
  ddp('topK-1%', { hook: 'topK', state: { ratio: 0.01 } }, null),
  {
    name: 'local_sgd-64',
    hook: null,
    strategy: () => new LocalSGDStrategy({ steps: LOCAL_STEPS }),
    wanted: { fewerBytes: 50 },
  },
  {
    name: 'diloco-64',
    hook: null,
    strategy: () => new DiLoCoStrategy({ syncEvery: LOCAL_STEPS }),
    wanted: { fewerBytes: 50 },
  },
  {
    name: 'diloco-16-int8',
    hook: null,
    strategy: () => new DiLoCoStrategy({ syncEvery: LOCAL_STEPS / 4, quantize: 'int8' }),
    wanted: { fewerBytes: 50 },
  },
]

/** f32 first, because everything is compared with it. @throws BAD_ARGUMENT listing the known names */
export function chooseMethods(text: string | undefined): Method[] {
  if (text === undefined) return [...METHODS]
  const names = text.split(',').map((word) => word.trim().toLowerCase())
  const unknown = names.find((name) => !METHODS.some((method) => method.name.toLowerCase() === name))
  if (unknown !== undefined) {
    throw badFlag(
      `--methods=${text}`,
      `"${unknown}" is no method; allowed are ${METHODS.map(({ name }) => name).join(', ')}. Name one or several of these.`,
    )
  }
  return METHODS.filter(({ name }) => name === 'f32' || names.includes(name.toLowerCase()))
}
