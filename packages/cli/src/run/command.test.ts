/** What `rondo run` refuses before anything starts, and what it answers without starting anything. */
import { afterEach, describe, expect, it, vi } from 'vitest'
import { exitCodeOfError } from '../process/exit-code.ts'
import { runCommand } from './command.ts'

afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
})

const SCRIPT = 'examples/mnist/train.ts'

describe('before anything starts', () => {
  it.each([
    ['--strategy=fsdp', /fsdp/],
    ['--strategy=deepspeed_stage_3', /deepspeed_stage_3/],
    ['--precision=transformer-engine', /transformer-engine/],
    ['--main-address=192.0.2.77', /192\.0\.2\.77.*not this machine.*--num-nodes/],
    ['--interface=nosuch0', /--interface=nosuch0.*lo/],
  ])('refuses %s with exit code 2', async (flag, message) => {
    const refused = await runCommand([flag, SCRIPT]).catch((thrown: unknown) => thrown)
    expect(String(refused)).toMatch(message)
    expect(exitCodeOfError(refused)).toBe(2)
  })

  it('refuses a foreign MASTER_ADDR alike, and takes it with several nodes', async () => {
    vi.stubEnv('MASTER_ADDR', '192.0.2.77')
    await expect(runCommand([SCRIPT])).rejects.toThrow(/192\.0\.2\.77/)
    const written = vi.spyOn(process.stdout, 'write').mockReturnValue(true)
    expect(await runCommand(['--num-nodes=2', '--node-rank=1', '--dry-run', SCRIPT])).toBe(0)
    expect(written.mock.calls.join('')).toContain('http://192.0.2.77:29400, dialled until --timeout')
  })

  it('refuses a script that is not there, with its path', async () => {
    await expect(runCommand(['no/such/script.ts'])).rejects.toMatchObject({ code: 'SCRIPT_NOT_FOUND' })
  })
})

it('answers help and version for run and exec', async () => {
  expect(await runCommand(['--help'])).toBe('help')
  expect(await runCommand([SCRIPT, '--version'], 'exec')).toBe('version')
  await expect(runCommand(['--devices=2', SCRIPT], 'exec')).rejects.toThrow(/not a flag of rondo exec/)
})
