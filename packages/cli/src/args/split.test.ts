/** Which words are Rondo's and which the script's, and what is said about words that fit nowhere. */
import { describe, expect, it } from 'vitest'
import { RUN_FLAGS } from './flags.ts'
import { splitArguments } from './split.ts'

const split = (line: string, script?: string) =>
  splitArguments(
    line.split(' ').filter((word) => word !== ''),
    RUN_FLAGS,
    { defaultScript: script },
  )

describe('splitting', () => {
  it('takes own flags before and after the script and leaves the rest in order', () => {
    const result = split('--devices=4 train.ts --lr 0.1 --strategy ddp -v --epochs=3 data')
    expect(result.script).toBe('train.ts')
    expect(Object.fromEntries(result.values)).toEqual({ devices: '4', strategy: 'ddp' })
    expect(result.scriptArgs).toEqual(['--lr', '0.1', '-v', '--epochs=3', 'data'])
  })

  it('reads dashes and underscores, spaces and equals signs alike', () => {
    const spellings = ['--num-nodes 2', '--num_nodes 2', '--num-nodes=2', '--num_nodes=2']
    for (const spelling of spellings) expect(split(`${spelling} a.ts`).values.get('num-nodes')).toBe(2)
  })

  it('lets the last of repeated flags win', () => {
    expect(split('a.ts --devices 2 --devices 3').values.get('devices')).toBe('3')
  })

  it('gives everything after -- to the script, own flags too', () => {
    const result = split('a.ts --devices 2 -- --devices 9 --help')
    expect(result.values.get('devices')).toBe('2')
    expect(result.scriptArgs).toEqual(['--devices', '9', '--help'])
  })

  it('takes a value that begins with one dash', () => {
    expect(split('--devices -1 a.ts').values.get('devices')).toBe('-1')
  })

  it('falls back to the default script, with -- too', () => {
    expect(split('--devices 2', 'd.ts').script).toBe('d.ts')
    expect(split('-- --epochs 3', 'd.ts')).toMatchObject({ script: 'd.ts', scriptArgs: ['--epochs', '3'] })
  })
})

describe('refusals', () => {
  it.each([
    ['--device 2 a.ts', /--device is not a flag.*Did you mean --devices\?.*after the script/s],
    ['-x a.ts', /-x is not a flag of rondo run/],
    ['--tpu-cores=8 a.ts', /no access to TPUs.*webgpu.*wasm/],
    ['a.ts --tpu_cores 8', /no access to TPUs.*webgpu.*wasm.*write it after --/],
    ['--xla a.ts', /no access to TPUs/],
    ['--accelerator tpu a.ts', /no access to TPUs/],
    ['--accelerator banana a.ts', /--accelerator=banana: allowed are auto, webgpu/],
    ['--strategy ddp_spawn a.ts', /--strategy=ddp_spawn: allowed are auto, ddp,/],
    ['--precision 8 a.ts', /--precision=8: allowed are 32-true/],
    ['--num-nodes two a.ts', /--num-nodes=two: an integer of at least 1/],
    ['--num-nodes 0 a.ts', /--num-nodes=0: an integer/],
    ['--num-nodes 1.5 a.ts', /an integer/],
    ['--main-port 70000 a.ts', /--main-port=70000: an integer from 1 to 65535/],
    ['--timeout soon a.ts', /--timeout=soon: a number of at least 1/],
    ['--devices --headed a.ts', /--devices=--headed: a value is missing/],
    ['a.ts --devices', /--devices: a value is missing/],
    ['--headed=maybe a.ts', /it is a switch/],
  ])('%s', (line, message) => {
    expect(() => split(line)).toThrowError(expect.objectContaining({ code: 'BAD_ARGUMENT' }))
    expect(() => split(line)).toThrow(message)
  })
})
