/** MLFlowLogger against a small real HTTP server that holds every request to the schema of MLflow's REST API 2.0. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import * as v from 'valibot'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest'
import { Disk, hostOn } from '../testing/disk.ts'
import { MLFlowLogger, type MLFlowLoggerOptions } from './mlflow-logger.ts'

const int64 = v.pipe(v.number(), v.safeInteger())
const pair = v.strictObject({ key: v.pipe(v.string(), v.regex(/^[\w./ -]{1,250}$/)), value: v.string() })
const value = v.union([v.number(), v.picklist(['NaN', 'Infinity', '-Infinity'])])
const metric = v.strictObject({ key: pair.entries.key, value, timestamp: int64, step: int64 })
const SCHEMAS: Record<string, v.GenericSchema> = {
  'POST experiments/create': v.strictObject({ name: v.string() }),
  'POST runs/create': v.strictObject({
    experiment_id: v.string(),
    run_name: v.optional(v.string()),
    start_time: int64,
    tags: v.array(v.strictObject({ key: v.string(), value: v.string() })),
  }),
  'POST runs/log-batch': v.strictObject({
    run_id: v.literal('run7'),
    metrics: v.pipe(v.array(metric), v.maxLength(1000)),
    params: v.pipe(v.array(pair), v.maxLength(100)),
    tags: v.array(pair),
  }),
  'POST runs/update': v.strictObject({
    run_id: v.literal('run7'),
    status: v.picklist(['FINISHED', 'FAILED', 'KILLED']),
    end_time: int64,
  }),
}

interface Call {
  what: string
  // biome-ignore lint/suspicious/noExplicitAny: checked against its schema
  body: any
}

let server: Server
let trackingUri = ''
let calls: Call[] = []
/** Status of the next answers, by call; empty: all is well. */
let outage: number[] = []
let known = false
const loggers: MLFlowLogger[] = []

beforeAll(async () => {
  server = createServer(async (request, response) => {
    let text = ''
    for await (const part of request) text += String(part)
    const url = new URL(request.url ?? '/', 'http://host')
    const what = `${request.method} ${url.pathname.replace('/api/2.0/mlflow/', '')}`
    const answer = (status: number, body: object): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    }
    const trouble = outage.shift()
    if (trouble) return answer(trouble, { error_code: 'TEMPORARILY_UNAVAILABLE', message: 'later' })
    if (what === 'GET experiments/get-by-name') {
      calls.push({ what, body: url.searchParams.get('experiment_name') })
      if (known) return answer(200, { experiment: { experiment_id: '3' } })
      return answer(404, { error_code: 'RESOURCE_DOES_NOT_EXIST', message: 'no such experiment' })
    }
    const schema = SCHEMAS[what]
    if (!schema || request.headers['content-type'] !== 'application/json') return answer(404, { message: what })
    const parsed = v.safeParse(schema, JSON.parse(text))
    if (!parsed.success)
      return answer(400, { error_code: 'INVALID_PARAMETER_VALUE', message: parsed.issues[0].message })
    calls.push({ what, body: parsed.output })
    if (what.endsWith('experiments/create')) return answer(200, { experiment_id: '4' })
    answer(200, what.endsWith('runs/create') ? { run: { info: { run_id: 'run7' } } } : {})
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  trackingUri = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => void server.close())
beforeEach(() => {
  calls = []
  outage = []
  known = false
})
afterEach(() => Promise.allSettled(loggers.splice(0).map((logger) => logger.save())))

const make = (options: MLFlowLoggerOptions = {}, writes = true): MLFlowLogger => {
  const logger = new MLFlowLogger({ trackingUri, ...options })
  logger.attach(hostOn(new Disk(), writes))
  loggers.push(logger)
  return logger
}
const of = (what: string): Call['body'][] => calls.filter((call) => call.what.endsWith(what)).map(({ body }) => body)

it('makes experiment and run, logs settings and metrics in batches, and says how it ended', async () => {
  const logger = make({ experimentName: 'digits', runName: 'first', tags: { team: 'a' }, prefix: 'p' })
  logger.logHyperparams({ lr: 0.1, net: { layers: [1, 2], kind: 'mlp' }, on: true })
  for (let step = 0; step < 1500; step++) logger.logMetrics({ loss: step / 2, 'a%b': 1 }, step)
  await logger.finalize('success')
  expect(calls.slice(0, 3).map(({ what }) => what)).toEqual([
    'GET experiments/get-by-name',
    'POST experiments/create',
    'POST runs/create',
  ])
  expect(of('runs/create')[0]).toMatchObject({
    experiment_id: '4',
    run_name: 'first',
    tags: [{ key: 'team', value: 'a' }],
  })
  const batches = of('log-batch')
  expect(batches[0].params).toEqual([
    { key: 'lr', value: '0.1' },
    { key: 'net/layers', value: '[1,2]' },
    { key: 'net/kind', value: 'mlp' },
    { key: 'on', value: 'true' },
  ])
  const metrics = batches.flatMap((batch) => batch.metrics)
  expect(metrics.filter(({ key }) => key === 'p-loss').map(({ step }) => step)).toEqual(
    Array.from({ length: 1500 }, (_, i) => i),
  )
  expect(metrics.some(({ key }) => key === 'p-a_b')).toBe(true)
  expect(batches.length).toBeLessThanOrEqual(6)
  expect(of('runs/update')).toEqual([expect.objectContaining({ status: 'FINISHED' })])
  expect([logger.name, logger.version]).toEqual(['4', 'run7'])
})

it.each([
  ['failed', 'FAILED'],
  ['aborted', 'KILLED'],
] as const)('a run that %s is %s there; values that JSON lacks are texts', async (status, there) => {
  known = true
  const logger = make()
  logger.logMetrics({ a: Number.NaN, b: Number.POSITIVE_INFINITY }, 1)
  await logger.finalize(status)
  expect(of('log-batch')[0].metrics.map((one: { value: unknown }) => one.value)).toEqual(['NaN', 'Infinity'])
  expect(of('runs/update')[0].status).toBe(there)
  expect(of('get-by-name')).toEqual(['lightning_logs'])
  expect(of('experiments/create')).toEqual([])
})

it('tries again when the server is away for a moment', async () => {
  outage = [503, 429]
  const logger = make()
  logger.logMetrics({ loss: 1 }, 0)
  await logger.save()
  expect(of('log-batch')).toHaveLength(1)
})

it('gives up at its deadline, keeps what it has, and never throws into training', async () => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
  outage = Array.from({ length: 50 }, () => 500)
  const logger = make({ deadlineMs: 100 })
  for (let step = 0; step < 300; step++) logger.logMetrics({ loss: step }, step)
  await expect(logger.save()).rejects.toMatchObject({
    code: 'STORAGE_FAILED',
    message: expect.stringMatching(/trackingUri/),
  })
  expect(warn).toHaveBeenCalledWith(expect.stringMatching(/Training goes on/))
  outage = []
  await logger.save()
  expect(of('log-batch').flatMap((batch) => batch.metrics)).toHaveLength(300)
  warn.mockRestore()
})

it('goes on with a run that is there, and writes on rank 0 alone', async () => {
  const logger = make({ runId: 'run7' })
  logger.logMetrics({ loss: 1 }, 0)
  await logger.save()
  const other = make({}, false)
  other.logMetrics({ loss: 1 }, 0)
  await other.finalize('success')
  expect(calls.map(({ what }) => what)).toEqual(['POST runs/log-batch'])
})

it.each(['', 'file:///mlruns', 'sqlite:///a.db', 'localhost:5000'])('refuses %j as trackingUri', (uri) => {
  expect(() => new MLFlowLogger({ trackingUri: uri })).toThrow(/trackingUri is.*http or https address.*mlflow server/)
})

it('refuses what is no number', () => {
  expect(() => make().logMetrics({ loss: 'low' as never }, 0)).toThrow(/loss is low/)
})
