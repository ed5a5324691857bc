/**
 * The launch commands that Lightning Fabric's guide shows (launch, bare-bones cluster, its examples, and the spelling
 * before 2.3), with `rondo` for `fabric` and a script of ours: each must mean here what it means there.
 */
import { expect, it } from 'vitest'
import { parseRun, type RunOptions } from './run-options.ts'

const GUIDE: Array<[string, Partial<RunOptions>]> = [
  ['run path/to/your/script.ts', { script: 'path/to/your/script.ts', devices: 1, numNodes: 1, explicit: [] }],
  [
    'run ./path/to/train.ts --strategy=ddp --devices=8 --accelerator=cuda --precision="bf16"',
    { script: './path/to/train.ts', strategy: 'ddp', devices: 8, accelerator: 'cuda', precision: 'bf16' },
  ],
  [
    'run ./path/to/train.ts --strategy=deepspeed_stage_3 --devices=8 --accelerator=cuda --precision=16',
    { strategy: 'deepspeed_stage_3', devices: 8, accelerator: 'cuda', precision: '16' },
  ],
  [
    'run ./path/to/train.ts --devices=auto --accelerator=auto --precision=16',
    { accelerator: 'auto', precision: '16', explicit: ['precision'] },
  ],
  [
    'run --node-rank=0 --main-address=10.10.10.16 --accelerator=cuda --devices=8 --num-nodes=2 train.ts',
    { script: 'train.ts', nodeRank: 0, mainAddress: '10.10.10.16', devices: 8, numNodes: 2, accelerator: 'cuda' },
  ],
  [
    'run --node-rank=1 --main-address=10.10.10.16 --accelerator=cuda --devices=8 --num-nodes=2 train.ts',
    { script: 'train.ts', nodeRank: 1, mainAddress: '10.10.10.16', devices: 8, numNodes: 2, accelerator: 'cuda' },
  ],
  [
    'run --node_rank=1 --main_address=10.10.10.16 --main_port=29500 --num_nodes=2 train.ts',
    { nodeRank: 1, mainAddress: '10.10.10.16', mainPort: 29500, mainPortGiven: true, numNodes: 2 },
  ],
  ['run --accelerator=cpu train.ts', { accelerator: 'cpu', explicit: ['accelerator'] }],
  ['run --accelerator=gpu train.ts', { accelerator: 'gpu' }],
  ['run --accelerator=mps train.ts', { accelerator: 'mps' }],
  ['run train.ts --accelerator=cuda --devices=4', { accelerator: 'cuda', devices: 4 }],
  ['run --strategy=ddp --devices=2 --accelerator=cpu train.ts', { strategy: 'ddp', devices: 2 }],
  ['run --strategy=fsdp --devices=4 train.ts', { strategy: 'fsdp', devices: 4 }],
  ['run --devices 2 --precision 16-mixed train.ts', { devices: 2, precision: '16-mixed' }],
  ['run --precision=64-true train.ts', { precision: '64-true' }],
  [
    'run train.ts --devices=1,3 --my_arg 7 data/',
    { devices: 2, scriptArgs: ['--my_arg', '7', 'data/'], explicit: ['devices'] },
  ],
  ['run model ./train.ts --devices=2 --lr 0.1', { script: './train.ts', devices: 2, scriptArgs: ['--lr', '0.1'] }],
  ['run model --accelerator=cuda --devices=8 train.ts --lr 0.1', { script: 'train.ts', scriptArgs: ['--lr', '0.1'] }],
]

it.each(GUIDE)('rondo %s', (line, meaning) => {
  // As a shell hands it on: without the quotes.
  const [, ...words] = line.replaceAll('"', '').split(' ')
  const parsed = parseRun(words, {})
  expect(parsed.asks).toBeNull()
  expect(parsed).toMatchObject({ options: meaning })
})

it('rondo run --help', () => {
  expect(parseRun(['--help'], {})).toEqual({ asks: 'help' })
})
