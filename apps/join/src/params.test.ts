import { describe, expect, it } from 'vitest'
import { inviteLink, isLocalOrigin, readParams } from './params.ts'

describe('join address', () => {
  it('reads what an agent puts there', () => {
    const params = readParams(
      'http://localhost:4400/join/?session=fox-42&auto=1&node=n1&label=Lab%20B&first=2&slots=3&ice=10.0.0.7,fd00::7,%3Cb%3E&server=http://10.0.0.5:29400#token=a%2Bb',
    )
    expect(params).toEqual({
      session: 'fox-42',
      token: 'a+b',
      server: 'http://10.0.0.5:29400',
      auto: true,
      nodeId: 'n1',
      label: 'Lab B',
      firstLocalRank: 2,
      slots: 3,
      iceAddresses: ['10.0.0.7', 'fd00::7'],
      invite: 'http://10.0.0.5:29400',
    })
  })

  it('asks the page’s own origin and brings one slot when nothing is said', () => {
    const params = readParams('https://lab.example/join/?session=fox')
    expect(params).toMatchObject({
      server: 'https://lab.example',
      auto: false,
      slots: 1,
      token: '',
      nodeId: null,
      iceAddresses: null,
    })
  })

  it('takes nothing malformed for a value', () => {
    const params = readParams(
      'http://h/join/?session=a%20b&slots=0&first=-1&node=%3Cb%3E&server=javascript:alert(1)&label=&auto=yes',
    )
    expect(params).toMatchObject({ session: null, slots: 1, firstLocalRank: null, nodeId: null, label: null })
    expect(params.server).toBe('http://h')
    expect(params.auto).toBe(false)
  })

  it('invites by the address that other machines reach, with the token kept out of the query', () => {
    const params = readParams('http://localhost:1/join/?session=fox&lan=http://192.0.2.7:29400&node=n#token=t/1')
    expect(inviteLink(params)).toBe('http://192.0.2.7:29400/join/?session=fox#token=t%2F1')
  })

  it('knows which origins only this machine reaches', () => {
    expect(isLocalOrigin('http://localhost:3')).toBe(true)
    expect(isLocalOrigin('http://127.0.0.1:3')).toBe(true)
    expect(isLocalOrigin('http://192.0.2.7')).toBe(false)
  })
})
