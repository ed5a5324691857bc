/** The rank record: familiar names, the rank's own values first, frozen. */
import type { Seat } from '@rondo/protocol'
import { expect, it } from 'vitest'
import { rankEnvironment } from './environment.ts'
import { configOf } from './testing/ranks.ts'

const seat = (rank: number, nodeRank: number, localRank: number): Seat => ({
  rank,
  nodeRank,
  localRank,
  memberId: null,
  pageId: null,
  browserId: null,
  nodeId: null,
  nodeLabel: `node ${nodeRank}`,
  state: 'running',
  lastSeen: null,
})

it('describes a rank of an uneven world', () => {
  const env = rankEnvironment(null, [seat(0, 0, 0), seat(1, 0, 1), seat(2, 1, 0)], 2)
  expect(env).toMatchObject({
    WORLD_SIZE: '3',
    RANK: '2',
    LOCAL_RANK: '0',
    NODE_RANK: '1',
    LOCAL_WORLD_SIZE: '1',
    GROUP_WORLD_SIZE: '2',
    ROLE_RANK: '2',
    ROLE_WORLD_SIZE: '3',
    argv: [],
  })
  expect(Object.isFrozen(env) && Object.isFrozen(env.argv)).toBe(true)
})

it('says what rondo run was told, and nothing of it to a script that was opened alone', () => {
  const config = configOf(2, { strategy: 'ddp', precision: '32', numNodes: 1, env: { PL_GLOBAL_SEED: '7' } })
  const seats = [seat(0, 0, 0), seat(1, 0, 1)]
  expect(rankEnvironment(config, seats, 1)).toMatchObject({
    LT_CLI_USED: '1',
    LT_DEVICES: '2',
    LT_NUM_NODES: '1',
    LT_STRATEGY: 'ddp',
    LT_PRECISION: '32',
    PL_GLOBAL_SEED: '7',
    RANK: '1',
  })
  const alone = Object.keys(rankEnvironment({ ...config, growable: true }, seats, 1))
  expect(alone.filter((name) => name.startsWith('LT_'))).toEqual([])
})

it('describes a world of one without a run', () => {
  expect(rankEnvironment(null, [], 0)).toMatchObject({ WORLD_SIZE: '1', RANK: '0', LOCAL_WORLD_SIZE: '1' })
})
