/** Links live through a restart, but not for ever, and not when others could have read them. */
import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { keepTokens, readKeptTokens, type TokenPlace } from './kept-tokens.ts'

const TOKENS = { joinToken: 'j'.repeat(24), controlToken: 'c'.repeat(24) }
const HOURS = 60 * 60 * 1000

let place: TokenPlace
beforeEach(() => {
  place = { folder: join(mkdtempSync(join(tmpdir(), 'rondo-tokens-')), 'sessions'), port: 29400, session: 'default' }
})
afterEach(() => rmSync(join(place.folder, '..'), { recursive: true, force: true }))

const file = (): string => join(place.folder, readdirSync(place.folder)[0] as string)

it('finds the tokens of the same port and session again, and of no other', () => {
  expect(readKeptTokens(place)).toBeNull()
  keepTokens(place, TOKENS)
  expect(readKeptTokens(place)).toEqual(TOKENS)
  expect(readKeptTokens({ ...place, port: 29401 })).toBeNull()
  expect(readKeptTokens({ ...place, session: 'other' })).toBeNull()
})

it('makes new ones after half a day', () => {
  keepTokens(place, TOKENS)
  expect(readKeptTokens(place, Date.now() + 11 * HOURS)).toEqual(TOKENS)
  expect(readKeptTokens(place, Date.now() + 13 * HOURS)).toBeNull()
})

it.skipIf(process.platform === 'win32')('writes for its owner alone, and trusts no file that others may read', () => {
  keepTokens(place, TOKENS)
  expect(statSync(file()).mode & 0o777).toBe(0o600)
  chmodSync(file(), 0o644)
  expect(readKeptTokens(place)).toBeNull()
})

it('takes no tokens that could be guessed, and no spoilt file', () => {
  keepTokens(place, { ...TOKENS, joinToken: 'short' })
  expect(readKeptTokens(place)).toBeNull()
  writeFileSync(file(), '{')
  expect(readKeptTokens(place)).toBeNull()
})
