/** What `bench network` was asked to measure, with every value checked. Not for: measuring. */
import { badFlag, readFlags } from '../flags.ts'
import type { Connections } from './messages.ts'
import type { NetworkPath } from './udp-proxy.ts'

export interface NetworkPlan {
  paths: NetworkPath[]
  connections: Connections[]
  /** Of each transfer: until its rate is looked at, and while it is. */
  seconds: { before: number; measured: number }
  /** Where the figures go as JSON. */
  json: string | undefined
  /** Program of the browser; found when undefined. */
  browser: string | undefined
}

const FLAGS = ['paths', 'connections', 'seconds', 'json', 'browser'] as const
const DEFAULT_PATHS = '0ms,20ms,20ms/0.1%'
const DEFAULT_CONNECTIONS = '1,2,4,8,auto'
const DEFAULT_SECONDS = '3+4'
/** As many as a link ever has. */
const MAX_CONNECTIONS = 8
const MAX_ROUND_TRIP_MS = 1_000
const MAX_SECONDS = 60

/** @throws BAD_ARGUMENT: the flag with the value it got, what is allowed, what to do */
export function parseNetworkPlan(words: readonly string[]): NetworkPlan {
  const { paths, connections, seconds, json, browser } = readFlags(words, FLAGS)
  return {
    paths: (paths ?? DEFAULT_PATHS).split(',').map(parsePath),
    connections: (connections ?? DEFAULT_CONNECTIONS).split(',').map(parseConnections),
    seconds: parseSeconds(seconds ?? DEFAULT_SECONDS),
    json,
    browser,
  }
}

/** `20ms/0.1%`: round trip added and share of packets lost each way. */
export function formatPath({ roundTripMs, loss }: NetworkPath): string {
  return loss === 0 ? `${roundTripMs}ms` : `${roundTripMs}ms/${+(loss * 100).toFixed(6)}%`
}

function parsePath(word: string): NetworkPath {
  const match = /^\s*(\d+(?:\.\d+)?)ms(?:\/(\d+(?:\.\d+)?)%)?\s*$/i.exec(word)
  const [roundTripMs, percent] = [Number(match?.[1]), Number(match?.[2] ?? 0)]
  if (match && roundTripMs <= MAX_ROUND_TRIP_MS && percent < 100) return { roundTripMs, loss: percent / 100 }
  throw badFlag(
    `--paths=${word}`,
    `a path is a round trip of at most ${MAX_ROUND_TRIP_MS} ms and a loss below 100 %. Write paths like 0ms,20ms,20ms/0.1%.`,
  )
}

function parseConnections(word: string): Connections {
  const text = word.trim().toLowerCase()
  if (text === 'auto') return 'auto'
  const count = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (count >= 1 && count <= MAX_CONNECTIONS) return count
  throw badFlag(`--connections=${word}`, `allowed are 1 to ${MAX_CONNECTIONS} and auto. Write numbers like 1,4,auto.`)
}

function parseSeconds(text: string): NetworkPlan['seconds'] {
  const match = /^(\d+)\+(\d+)$/.exec(text)
  const [before, measured] = [Number(match?.[1]), Number(match?.[2])]
  if (match && measured > 0 && before + measured <= MAX_SECONDS) return { before, measured }
  throw badFlag(
    `--seconds=${text}`,
    `seconds before and seconds measured are needed, together at most ${MAX_SECONDS}. Write them like 3+4.`,
  )
}
