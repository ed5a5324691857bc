/** What a person reads, line by line: waiting, members, banner, progress, output, the end. */
import { stripVTControlCharacters } from 'node:util'
import type { RunReport } from '@rondo/protocol'
import { describe, expect, it, vi } from 'vitest'
import { link, progress, rankReport, runState, seat, setup } from '../testing/events.ts'
import { bannerLines, registeredLines } from './banner.ts'
import { bytes, count, duration, metric } from './format.ts'
import { EpochProgress } from './progress.ts'
import { RunView } from './run-view.ts'
import { Screen } from './screen.ts'
import { waitingLine } from './waiting.ts'

function view(isTTY = false) {
  let text = ''
  const screen = new Screen({ isTTY, columns: 60, write: (piece) => (text += piece) })
  const made = new RunView({ screen, mapStack: (stack) => stack.replaceAll('script.js', 'train.ts'), debug: 'off' })
  return { made, screen, lines: () => stripVTControlCharacters(text).split('\n') }
}

describe('waiting', () => {
  it('names each missing rank with node, local rank and last sign of life', () => {
    const seats = [
      seat(0),
      seat(1, { memberId: null, lastSeen: 4_000 }),
      seat(2, { memberId: null, lastSeen: null, nodeRank: 1, localRank: 0, nodeLabel: '' }),
      seat(3, { state: 'starting' }),
    ]
    expect(waitingLine(seats, new Set([0]), 10_000)).toBe(
      'Waiting for ranks: 1 of 4 ready; missing rank 1 (node 0 "lab", local rank 1, last seen 6 s ago), ' +
        'rank 2 (node 1, local rank 0, not seen yet), rank 3 (node 0 "lab", local rank 3, tab is here, starting)',
    )
  })

  it('repeats nothing that did not change', () => {
    const { made, lines } = view()
    const run = runState([seat(0, { memberId: null, lastSeen: null })], { status: 'waiting' })
    made.state(run, Date.now())
    made.state(run, Date.now())
    made.close()
    expect(lines().filter((line) => line.startsWith('Waiting'))).toHaveLength(1)
  })
})

it('says every five seconds for whom it waits, also when nothing changes', () => {
  vi.useFakeTimers()
  const { made, lines } = view()
  try {
    made.state(runState([seat(0, { memberId: null, lastSeen: null })], { status: 'waiting' }), Date.now())
    vi.advanceTimersByTime(10_000)
    expect(lines().filter((line) => line.startsWith('Waiting'))).toHaveLength(3)
  } finally {
    made.close()
    vi.useRealTimers()
  }
})

describe('start-up report', () => {
  it('begins anew when a run grows, and says nothing of a script that is alone', () => {
    const { made, lines } = view()
    const alone = runState([seat(0)])
    const config = { ...alone.config, growable: true }
    made.state({ ...alone, config }, Date.now())
    made.event(0, { kind: 'ready', links: [] })
    expect(lines().join('\n')).not.toContain('MEMBER')
    made.state({ ...runState([seat(0), seat(1)]), config }, Date.now())
    for (const rank of [0, 1]) made.event(rank, { kind: 'ready', links: [link(rank, 1 - rank, 'port')] })
    made.close()
    const text = lines().join('\n')
    expect(text).toContain('GLOBAL_RANK: 0, MEMBER: 1/2')
    expect(text).toContain('2 ranks train together')
  })

  it('has the lines that Lightning users know, between rules of 100 dashes', () => {
    const { made, lines } = view()
    made.state(runState([seat(0), seat(1)]), Date.now())
    made.event(1, { kind: 'ready', links: [link(1, 0, 'port')] })
    made.event(0, { kind: 'ready', links: [link(0, 1, 'port')] })
    made.close()
    const text = lines()
    expect(text.filter((line) => line.includes('GLOBAL_RANK: 1, MEMBER: 2/2'))).toHaveLength(1)
    const rule = text.indexOf('-'.repeat(100))
    expect(text[rule + 1]).toBe('distributed_backend=port')
    expect(text[rule + 2]).toContain('2 ranks train together')
    expect(text[rule + 3]).toBe('-'.repeat(100))
  })

  it('names the pinned backend, and none for one rank', () => {
    const pinned = runState([seat(0), seat(1)])
    pinned.config.processGroupBackend = 'webrtc'
    expect(registeredLines(pinned, [])[1]).toBe('distributed_backend=webrtc')
    expect(registeredLines(runState([seat(0)]), [])[1]).toBe('distributed_backend=none (one rank)')
  })

  it('shows batch, rate, software adapters, shared adapters and carriers', () => {
    const gpu = { accelerator: 'webgpu', adapter: 'acme g1', software: true, reason: 'asked for by name' }
    const lines = bannerLines(runState([seat(0), seat(1)]), [setup(gpu), setup(gpu)], [link(0, 1), link(1, 0)])
    const text = lines.join('\n')
    expect(text).toContain('32 × 2 devices × 1 node × accumulate 1 = 64; lr 0.1 (not scaled)')
    expect(text).toContain('webgpu on acme g1 [software adapter: slow]')
    expect(text).toContain('2 ranks (0, 1) share adapter acme g1')
    expect(text).toContain('0–1 webrtc')
    expect(text).toContain('1,234')
  })

  it('says how many connections a link has when they are several', () => {
    const several = { ...link(0, 1), connections: 4 }
    expect(bannerLines(runState([seat(0), seat(1)]), [setup()], [several]).join('\n')).toContain('0–1 webrtc ×4')
  })

  it('says for each peer what kind of address its path begins with', () => {
    const lines = bannerLines(
      runState([seat(0), seat(1), seat(2)]),
      [setup()],
      [
        { ...link(0, 1), candidate: 'host' },
        { ...link(1, 0), candidate: 'host' },
        { ...link(0, 2), candidate: 'srflx' },
        { ...link(2, 0), candidate: 'relay' },
        link(1, 2, 'port'),
      ],
    )
    expect(lines.join('\n')).toContain('0–1 webrtc (host) · 0–2 webrtc (relay/srflx) · 1–2 port')
  })

  it('adds uneven batches up', () => {
    const run = runState([seat(0), seat(1)])
    expect(bannerLines(run, [setup(), setup({ batchSize: 8 })], []).join('\n')).toContain(
      '(32 + 8) × accumulate 1 = 40',
    )
    expect(bannerLines(run, [setup(), setup({ batchSize: null })], []).join('\n')).toContain('batch  lr 0.1')
  })
})

describe('progress', () => {
  it('takes the mean of losses, the sum of rates and the slowest rank', () => {
    const epoch = new EpochProgress()
    epoch.update(0, progress(5, { loss: 1, samplesPerSecond: 100 }), 1_000)
    epoch.update(1, progress(4, { loss: 3, samplesPerSecond: 50 }), 1_000)
    expect([epoch.loss, epoch.samplesPerSecond, epoch.step]).toEqual([2, 150, 4])
    expect(epoch.text(4_990)).toBe('epoch 1 ━━━━━━━━──────────── 40 % · loss 2.0000 · 150 samples/s · 0:06 left')
    expect(epoch.isEpochDone(2)).toBe(false)
    for (const rank of [0, 1]) epoch.update(rank, progress(10), 5_000)
    expect(epoch.isEpochDone(2)).toBe(true)
  })

  it('leaves the last epoch’s figures out of the next', () => {
    const epoch = new EpochProgress()
    epoch.update(0, progress(10), 0)
    epoch.update(1, progress(10), 0)
    epoch.update(0, progress(11, { epoch: 1, stepInEpoch: 1, loss: 7 }), 10)
    expect([epoch.loss, epoch.step, epoch.isEpochDone(2)]).toEqual([7, 1, false])
  })

  it('prints each finished epoch once', () => {
    const { made, lines } = view()
    made.state(runState([seat(0)]), Date.now())
    made.event(0, progress(10))
    made.event(0, progress(10))
    made.close()
    expect(lines().filter((line) => line.includes('100 %'))).toHaveLength(1)
  })

  it('shows what is logged for the bar beside it, and what came out once the epoch is over', () => {
    const { made, lines } = view()
    const told = (values: Record<string, number | null>, more = {}) =>
      made.event(0, { kind: 'bar', shown: true, leave: true, epoch: 0, epochDone: false, values, ...more })
    made.state(runState([seat(0)]), Date.now())
    told({ train_acc: 0.5 })
    made.event(0, progress(10, { epochs: 3 }))
    told({ train_acc: 0.5, val_loss: null }, { epochDone: true })
    made.close()
    const shown = lines().filter((line) => line.startsWith('epoch'))
    expect(shown[0]).toMatch(/100 % · .* · train_acc 0\.5000$/)
    expect(shown.slice(1)).toEqual(['epoch 1/3 · train_acc 0.5000 · val_loss NaN'])
  })

  it('has no bar where none is wanted, and takes away that of a finished epoch where it is not to stay', () => {
    for (const more of [{ shown: false }, { leave: false }]) {
      const { made, lines } = view()
      made.state(runState([seat(0)]), Date.now())
      made.event(0, { kind: 'bar', shown: true, leave: true, epoch: 0, epochDone: false, values: { a: 1 }, ...more })
      made.event(0, progress(10))
      made.event(0, { kind: 'bar', shown: true, leave: true, epoch: 0, epochDone: true, values: { a: 1 }, ...more })
      made.close()
      expect(lines().filter((line) => line.startsWith('epoch'))).toEqual([])
    }
  })

  it('keeps the status line below what is printed, within the width', () => {
    const { made, screen, lines } = view(true)
    made.state(runState([seat(0)]), Date.now())
    made.event(0, progress(3))
    screen.line('between')
    expect(Math.max(...lines().map((line) => line.split('\r').at(-1)!.length))).toBeLessThan(200)
    made.close()
    expect(lines().some((line) => line.includes('between'))).toBe(true)
  })
})

describe('output and end', () => {
  it('puts the rank before each line and the person’s files into stacks', () => {
    const { made, lines } = view()
    made.state(runState([seat(0), seat(1)]), Date.now())
    made.event(1, { kind: 'console', level: 'log', text: 'one\ntwo' })
    made.event(1, { kind: 'console', level: 'debug', text: 'hidden' })
    made.error({
      code: 'SCRIPT_FAILED',
      name: 'TypeError',
      message: 'boom',
      stack: 'TypeError: boom\n    at f (script.js:3:1)\n    at g (http://h/assets/x.js:1:1)',
      rank: 1,
      node: 'lab',
    })
    made.close()
    const text = lines().join('\n')
    expect(text).toContain('[rank 1] one\n[rank 1] two')
    expect(text).not.toContain('hidden')
    expect(text).toContain('rank 1 on lab: TypeError: boom\n    at f (train.ts:3:1)')
    expect(text).not.toContain('/assets/')
  })

  it('ends with accuracy and the place of the results', () => {
    const { made, lines } = view()
    const report: RunReport = {
      run: 'r1',
      script: 'train.ts',
      status: 'done',
      strategy: 'ddp',
      worldSize: 1,
      precision: '32-true',
      codec: 'f32',
      processGroupBackend: 'auto',
      ranks: [
        rankReport(0),
        rankReport(1, {
          msPerStep: {
            compute: 27,
            readback: 3.4,
            communication: 12.6,
            exposedCommunication: 5.25,
            apply: 2,
            total: 38,
          },
        }),
      ],
      links: [],
      metrics: { test_accuracy: 0.98123 },
      wallSeconds: 65,
      samplesPerSecond: 1500,
    }
    made.end(report, 'runs/r1/', ['report.json', 'metrics.csv'])
    const text = lines().join('\n')
    expect(text).toContain('Run r1 done in 1:05 · 640 samples · 1,500 samples/s')
    expect(text).toContain(
      'a step takes 38 ms: compute 27 · readback 3.4 · communication 13, 5.3 of it waited for · apply 2.0',
    )
    expect(text).toContain('test accuracy 0.9812')
    expect(text).toContain('results in runs/r1/: report.json, metrics.csv')
  })
})

it('writes numbers as people read them', () => {
  expect([duration(5), duration(65.4), duration(3725), duration(-1)]).toEqual(['0:05', '1:05', '1:02:05', '0:00'])
  expect([count(1234567), count(12.7), count(1.26)]).toEqual(['1,234,567', '13', '1.3'])
  expect([bytes(12), bytes(1536), bytes(200 * 1024 ** 2)]).toEqual(['12 B', '1.5 KiB', '200 MiB'])
  expect([metric(0.5), metric(1e-5), metric(Number.NaN)]).toEqual(['0.5000', '1.000e-5', 'NaN'])
})
