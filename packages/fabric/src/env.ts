/** `env` as scripts import it: the record of this worker's rank, looked up when it is read. */
import { currentRankContext } from './context.ts'
import type { RankEnvironment } from './environment.ts'

const variable = (name: string | symbol): unknown => Reflect.get(currentRankContext().env, name)

/** Frozen; see environment.ts for the names. Outside a run it describes a world of one. */
export const env: RankEnvironment = new Proxy({} as RankEnvironment, {
  get: (_, name) => variable(name),
  has: (_, name) => name in currentRankContext().env,
  ownKeys: () => Reflect.ownKeys(currentRankContext().env),
  getOwnPropertyDescriptor: (_, name) => {
    const value = variable(name)
    return value === undefined ? undefined : { value, enumerable: true, configurable: true, writable: false }
  },
  set: () => false,
  deleteProperty: () => false,
})
