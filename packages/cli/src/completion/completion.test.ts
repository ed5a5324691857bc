/** Completion as a shell meets it: bash runs its function; the others are looked at as text, for no such shell may be here. */
import { execFileSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { RUN_FLAGS, STRATEGY_CHOICES } from '../args/flags.ts'
import { COMMANDS } from '../commands.ts'
import { completionScript } from './command.ts'

/** What bash offers for the last of `words`, which are split as readline splits them (`=` is a word of its own). */
function offered(...words: string[]): string[] {
  const quoted = words.map((word) => `'${word}'`).join(' ')
  const driver = `
COMP_WORDS=(${quoted})
COMP_CWORD=${words.length - 1}
_rondo
printf '%s\\n' "\${COMPREPLY[@]}"`
  const output = execFileSync('bash', ['--norc', '-c', completionScript(['bash']) + driver], { encoding: 'utf8' })
  return output.split('\n').filter((line) => line !== '')
}

describe('bash', () => {
  it('offers the commands first', () => {
    expect(offered('rondo', '')).toEqual([...Object.keys(COMMANDS), '--help', '--version'])
    expect(offered('rondo', 'se')).toEqual(['serve'])
  })

  it('offers every flag of a command, before and after the script', () => {
    expect(offered('rondo', 'run', '--').sort()).toEqual(
      Object.keys(RUN_FLAGS)
        .map((name) => `--${name}`)
        .sort(),
    )
    expect(offered('rondo', 'run', 'train.ts', '--dev')).toEqual(['--devices'])
    expect(offered('rondo', 'run', '--num_n')).toEqual(['--num-nodes'])
    expect(offered('rondo', 'exec', '--dev')).toEqual([])
    expect(offered('rondo', 'serve', '--allow')).toEqual(['--allow-import'])
  })

  it('offers the values of a choice, after a space, after = and behind it', () => {
    expect(offered('rondo', 'run', '--strategy', '')).toEqual([...STRATEGY_CHOICES])
    expect(offered('rondo', 'run', '--strategy', '=')).toEqual([...STRATEGY_CHOICES])
    expect(offered('rondo', 'run', '--strategy', '=', 'deepspeed_stage_3')).toEqual(['deepspeed_stage_3'])
    expect(offered('rondo', 'run', 'train.ts', '--process_group_backend', 'w')).toEqual(['webrtc'])
    expect(offered('rondo', 'completion', 'f')).toEqual(['fish'])
  })

  it('leaves scripts, files and what follows -- to file names', () => {
    expect(offered('rondo', 'run', 'tra')).toEqual([])
    expect(offered('rondo', 'run', '--report', '--x')).toEqual([])
    expect(offered('rondo', 'run', 'train.ts', '--', '--dev')).toEqual([])
    expect(completionScript(['bash'])).toContain('complete -o default -F _rondo rondo')
  })
})

it.each(['zsh', 'fish'])('%s is told every flag with its choices', (shell) => {
  const script = completionScript([shell])
  for (const name of Object.keys(RUN_FLAGS)) expect(script).toMatch(shell === 'zsh' ? `'--${name}` : ` -l ${name} `)
  expect(script).toContain(STRATEGY_CHOICES.join(' '))
  for (const name of Object.keys(COMMANDS)) expect(script).toContain(name)
})

it('refuses a shell that it does not know, with those it does', () => {
  expect(() => completionScript(['tcsh'])).toThrow(/rondo completion tcsh.*bash, zsh, fish/)
  expect(() => completionScript([])).toThrow(/one shell is needed/)
})
