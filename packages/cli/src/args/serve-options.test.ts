/** The notebook's flags beside those of `rondo run`, and when a browser is opened. */
import { describe, expect, it } from 'vitest'
import { openCommand } from '../serve/open-browser.ts'
import { notebookLink } from '../serve/welcome.ts'
import { parseServe } from './serve-options.ts'

const parse = (...words: string[]) => parseServe(words, {}, 'default.ts')

describe('rondo serve', () => {
  it('takes its own flags anywhere, and leaves the others and the script as they were', () => {
    const { run, importHosts, mayOpen } = parse(
      '--no-open',
      'mine.ts',
      '--allow-import',
      'CDN.example.org',
      '--lr',
      '1',
    )
    expect(run).toMatchObject({ script: 'mine.ts', scriptArgs: ['--lr', '1'] })
    expect(importHosts).toEqual(['esm.sh', 'cdn.jsdelivr.net', 'unpkg.com', 'cdn.example.org'])
    expect(mayOpen).toBe(false)
    expect(parse('--main-port=1234')).toMatchObject({ run: { script: 'default.ts', mainPort: 1234 }, mayOpen: true })
    expect(parse('--allow_import=a.b,c.d:8080').importHosts.slice(3)).toEqual(['a.b', 'c.d:8080'])
    expect(parse('--allow-import=none').importHosts).toEqual([])
    expect(parse('mine.ts', '--', '--no-open')).toMatchObject({ run: { scriptArgs: ['--no-open'] }, mayOpen: true })
  })

  it.each(['https://a.b', 'a b', "a.b;script-src 'unsafe-inline'", '*', ',', 'a.b/c'])(
    'refuses %s as a host: it would become part of a policy',
    (host) => {
      expect(() => parse(`--allow-import=${host}`)).toThrow(/--allow-import=/)
    },
  )
})

describe('opening the notebook', () => {
  const url = 'http://localhost:1/notebook/?session=a&lan=b#control=c'
  const desktop = { platform: 'linux' as const, environment: { DISPLAY: ':0' }, isTerminal: true }

  it('needs a desktop and somebody at the terminal', () => {
    expect(openCommand(url, desktop)).toEqual(['xdg-open', url])
    expect(openCommand(url, { ...desktop, platform: 'darwin', environment: {} })).toEqual(['open', url])
    expect(openCommand(url, { ...desktop, environment: {} })).toBeNull()
    expect(openCommand(url, { ...desktop, isTerminal: false })).toBeNull()
    expect(openCommand(url, { ...desktop, environment: { DISPLAY: ':0', SSH_CONNECTION: 'x' } })).toBeNull()
  })
})

it('puts both tokens of the notebook into the fragment, and names this machine only', () => {
  const link = new URL(notebookLink({ port: 7, session: 's', joinToken: 'J', controlToken: 'C' }, '192.0.2.1'))
  expect(link.origin).toBe('http://localhost:7')
  expect(link.search).not.toMatch(/[CJ]/)
  expect(Object.fromEntries(new URLSearchParams(link.hash.slice(1)))).toEqual({ control: 'C', token: 'J' })
})
