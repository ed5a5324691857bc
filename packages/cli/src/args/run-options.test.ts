/** From words to the typed record: defaults, environment, conflicts between numbers, and the explicit list. */
import { describe, expect, it } from 'vitest'
import { debugFile, debugFromVariables, forwardedVariables } from './environment.ts'
import { EXEC_FLAGS } from './flags.ts'
import { parseRun, type RunOptions } from './run-options.ts'

function options(line: string, environment: Record<string, string> = {}): RunOptions {
  const parsed = parseRun(line.split(' '), environment)
  if (parsed.asks !== null) throw new Error('help was not asked for')
  return parsed.options
}

describe('options of a run', () => {
  it('has the documented defaults', () => {
    expect(options('a.ts')).toMatchObject({
      devices: 1,
      numNodes: 1,
      mainAddress: '127.0.0.1',
      mainPort: 29400,
      mainPortGiven: false,
      session: 'default',
      headed: false,
      startTimeoutSeconds: 600,
      stepTimeoutSeconds: 60,
      backend: 'auto',
      debug: 'off',
      explicit: [],
    })
  })

  it('understands the commands of the specification', () => {
    const first = options('--devices=4 --strategy=ddp --precision=16-mixed ./digits.ts --lr 0.1')
    expect(first).toMatchObject({ devices: 4, strategy: 'ddp', precision: '16-mixed', scriptArgs: ['--lr', '0.1'] })
    const second = options('--num-nodes=2 --node_rank 1 --main-address=192.0.2.10 --devices=4 ./digits.ts')
    expect(second).toMatchObject({ numNodes: 2, nodeRank: 1, mainAddress: '192.0.2.10', devices: 4 })
    const third = options('--strategy=deepspeed_stage_3 --accelerator=cuda --precision=16 a.ts')
    expect(third).toMatchObject({ strategy: 'deepspeed_stage_3', accelerator: 'cuda', precision: '16' })
    expect(options('--devices=auto --accelerator=auto a.ts')).toMatchObject({ devices: 1, explicit: [] })
  })

  it.each([
    ['--devices auto --slots 4', 4],
    ['--devices -1 --slots 3', 3],
    ['--devices 0,2 --slots 4', 2],
    ['--devices 0,2', 2],
    ['--devices 5', 5],
  ])('%s opens the right number of ranks', (line, ranks) => {
    expect(options(`${line} a.ts`).devices).toBe(ranks)
  })

  it.each(['0', '-2', 'two', '1.5', '2,2', '0,9'])('refuses --devices %s', (given) => {
    expect(() => options(`--devices ${given} --slots 4 a.ts`)).toThrowError(
      expect.objectContaining({ code: 'BAD_DEVICES', message: expect.stringContaining('--devices is') }),
    )
  })

  it('refuses a node rank outside of the nodes, with the range', () => {
    expect(() => options('--num-nodes 2 --node-rank 2 a.ts')).toThrow(/must lie in 0\.\.1/)
  })

  it('lists what the person set, and never auto', () => {
    expect(options('--devices 2 --strategy auto --precision 32 --num-nodes 1 a.ts').explicit).toEqual([
      'precision',
      'devices',
      'numNodes',
    ])
  })

  it("takes torch's names of backends and says so", () => {
    const { backend, notes } = options('--process-group-backend nccl a.ts')
    expect(backend).toBe('auto')
    expect(notes).toEqual(['--process-group-backend=nccl is read as auto'])
  })

  it('refuses what this version cannot do, rather than ignoring it', () => {
    expect(() => options('--environment slurm a.ts')).toThrow(/knows only "own"/)
    expect(options('--environment own a.ts').script).toBe('a.ts')
  })

  it('takes one of --headed and --headless, and refuses both', () => {
    expect([options('--headed a.ts').headed, options('--headless a.ts').headed, options('a.ts').headed]).toEqual([
      true,
      false,
      false,
    ])
    expect(() => options('--headed --headless a.ts')).toThrow(/--headed=true and --headless=true contradict/)
  })

  it('knows help and version on either side of the script', () => {
    for (const line of ['--help', '-h', '--devices 2 --help a.ts', 'a.ts --help']) {
      expect(parseRun(line.split(' '), {})).toEqual({ asks: 'help' })
    }
    expect(parseRun(['a.ts', '--version'], {})).toEqual({ asks: 'version' })
    expect(options('a.ts -- --help').scriptArgs).toEqual(['--help'])
    expect(options('a.ts -h').scriptArgs).toEqual(['-h'])
  })

  it('leaves to the code what `rondo exec` does not take', () => {
    const exec = { flags: EXEC_FLAGS, command: 'rondo exec' }
    expect(parseRun(['--headed', 'train.ts', '--lr', '0.1'], {}, exec)).toMatchObject({
      options: { headed: true, devices: 1, scriptArgs: ['--lr', '0.1'], explicit: [] },
    })
    expect(() => parseRun(['--devices=2', 'train.ts'], {}, exec)).toThrow(/--devices=2 is not a flag of rondo exec/)
    expect(parseRun(['train.ts', '--devices=2'], {}, exec)).toMatchObject({ options: { scriptArgs: ['--devices=2'] } })
  })

  it('takes an interface from the flag, else from what other systems call it', () => {
    expect(options('a.ts').interface).toBeUndefined()
    const environment = { NCCL_SOCKET_IFNAME: 'ib0', GLOO_SOCKET_IFNAME: 'eth0' }
    expect(options('--interface eth1 a.ts', environment).interface).toEqual({ source: '--interface', value: 'eth1' })
    expect(options('a.ts', environment).interface).toEqual({ source: 'GLOO_SOCKET_IFNAME', value: 'eth0' })
    expect(options('a.ts', { NCCL_SOCKET_IFNAME: 'ib0' }).interface?.value).toBe('ib0')
  })

  it('takes a range of UDP ports, and refuses what is none', () => {
    expect(options('--udp-port-range 40000:40199 a.ts').udpPorts).toBe('40000-40199')
    expect(options('a.ts').udpPorts).toBeUndefined()
    for (const given of ['40000', '40199:40000', '0:10', '1:70000', 'a:b', '40000-40199']) {
      expect(() => options(`--udp-port-range=${given} a.ts`)).toThrow(/--udp-port-range=.*two ports from 1 to 65535/)
    }
  })

  it('refuses a session name with other signs, and a missing script', () => {
    expect(() => options('--session a/b a.ts')).toThrow(/letters, digits/)
    expect(() => options('--devices 2')).toThrow(/SCRIPT is missing/)
  })
})

describe('environment', () => {
  it('stands in for address and port, Rondo’s spelling first', () => {
    const environment = { MASTER_ADDR: 'a', RONDO_MASTER_ADDR: 'b', MASTER_PORT: '1234' }
    expect(options('a.ts', environment)).toMatchObject({ mainAddress: 'b', mainPort: 1234, mainPortGiven: true })
    expect(options('--main-port 99 a.ts', environment).mainPort).toBe(99)
    expect(() => options('a.ts', { MASTER_PORT: 'x' })).toThrow(/MASTER_PORT=x/)
    expect(options('a.ts', { RONDO_TOKEN: 'open-sesame' }).token).toBe('open-sesame')
    expect(() => options('a.ts', { RONDO_TOKEN: 'a b c d e f' })).toThrow(/RONDO_TOKEN: 8 to 128/)
  })

  it('maps the debug levels of other systems', () => {
    expect(debugFromVariables({ NCCL_DEBUG: 'WARN' })).toBe('off')
    expect(debugFromVariables({ NCCL_DEBUG: 'info' })).toBe('info')
    expect(debugFromVariables({ NCCL_DEBUG: 'TRACE' })).toBe('detail')
    expect(debugFromVariables({ TORCH_DISTRIBUTED_DEBUG: 'DETAIL', NCCL_DEBUG: 'INFO' })).toBe('detail')
  })

  it('names the file for debug lines with host and process', () => {
    expect(debugFile({ NCCL_DEBUG_FILE: 'log.%h.%p' }, 'lab', 42)).toBe('log.lab.42')
    expect(debugFile({ NCCL_DEBUG: 'INFO' }, 'lab', 42)).toBeUndefined()
  })

  it.each(['0', '1.5', 'many', '-1'])('refuses OMP_NUM_THREADS=%s', (value) => {
    expect(() => options('a.ts', { OMP_NUM_THREADS: value })).toThrow(/OMP_NUM_THREADS=.*integer/)
  })

  it('hands on what means something inside a rank, and nothing else', () => {
    const given = {
      PL_GLOBAL_SEED: '7',
      RONDO_X: '1',
      HOME: '/h',
      SECRET: 's',
      PET_NPROC: '2',
      PL_TRAINER_LONG: 'x'.repeat(5000),
    }
    expect(forwardedVariables(given)).toEqual({ PL_GLOBAL_SEED: '7', RONDO_X: '1', PET_NPROC: '2' })
  })

  it('lets the spelling with RONDO_ win over the older one, whichever comes first, and keeps secrets at home', () => {
    const given = {
      RONDO_PL_GLOBAL_SEED: '8',
      PL_GLOBAL_SEED: '7',
      PL_TRAINER_MAX_EPOCHS: '2',
      RONDO_PL_TRAINER_MAX_EPOCHS: '3',
      RONDO_PL_SEED_WORKERS: '1',
      OMP_NUM_THREADS: '2',
      RONDO_OMP_NUM_THREADS: '',
      RONDO_TOKEN: 'open-sesame',
    }
    expect(forwardedVariables(given)).toEqual({
      PL_GLOBAL_SEED: '8',
      PL_TRAINER_MAX_EPOCHS: '3',
      PL_SEED_WORKERS: '1',
      OMP_NUM_THREADS: '2',
    })
  })
})
