/** Outputs of every kind, as kernels and other notebook programs give them. For looking and for tests. */
import { type CellError, MIME, type MimeBundle } from '@rondo/kernel/output'
import type { CellOutput } from '../model/notebook.ts'

const ESC = '\u001b'

const value = (data: MimeBundle, metadata: Record<string, unknown> = {}): CellOutput => ({
  kind: 'display',
  data,
  metadata,
  displayId: null,
})

/** A digit-like blob, so that a picture is seen to be the right way up. */
function digits(tiles: number): { width: number; height: number; rgba: string } {
  const width = 28 * tiles
  let bytes = ''
  for (let y = 0; y < 28; y++) {
    for (let x = 0; x < width; x++) {
      const inTile = x % 28
      const ring = Math.hypot(inTile - 14, (y - 14) * 0.8)
      const stroke =
        Math.floor(x / 28) % 2 === 0 ? Math.abs(ring - 7) < 1.8 : Math.abs(inTile - 14) < 2 && y > 3 && y < 25
      const grey = String.fromCharCode(stroke ? 240 : 20)
      bytes += grey + grey + grey + String.fromCharCode(255)
    }
  }
  return { width, height: 28, rgba: btoa(bytes) }
}

export const TENSOR = value({
  'text/plain': 'Tensor [8, 28, 28] float32',
  [MIME.tensor]: {
    shape: [8, 28, 28],
    dtype: 'float32',
    min: 0,
    max: 1,
    mean: 0.1307,
    std: 0.3081,
    nonFinite: 3,
    preview: Array.from({ length: 56 }, (_, i) => (i % 7) / 7),
    picture: digits(8),
  },
})

export const INSPECTED = value({
  'text/plain': '{ lr: 0.01, layers: Array(3), name: "mlp" }',
  [MIME.inspect]: {
    kind: 'object',
    text: '{lr: 0.01, layers: Array(3), name: "mlp"}',
    children: [
      { kind: 'number', key: 'lr', text: '0.01' },
      {
        kind: 'array',
        key: 'layers',
        text: 'Array(3)',
        children: [
          {
            kind: 'object',
            key: '0',
            text: 'Dense {units: 128}',
            children: [{ kind: 'number', key: 'units', text: '128' }],
          },
          { kind: 'function', key: '1', text: 'ƒ relu(x)' },
          { kind: 'more', text: '… 1 more' },
        ],
      },
      { kind: 'string', key: 'name', text: '"mlp"' },
      { kind: 'null', key: 'parent', text: 'null' },
    ],
  },
})

export const TABLE = value({
  'text/plain': '45 rows',
  [MIME.table]: {
    columns: ['epoch', 'loss', 'accuracy', 'note'],
    rows: Array.from({ length: 45 }, (_, i) => [
      i,
      2.3 * Math.exp(-i / 9),
      1 - 0.9 * Math.exp(-i / 6),
      i % 9 ? null : 'saved',
    ]),
    total: 2_300,
  },
})

export const PLOT = value({
  'text/plain': 'Plot',
  [MIME.plot]: {
    options: { height: 260, grid: true, x: { label: 'step' }, y: { label: 'loss' } },
    marks: [
      {
        name: 'dot',
        args: [
          Array.from({ length: 120 }, (_, i) => ({ x: i, y: Math.exp(-i / 30) + 0.1 * Math.sin(i) })),
          { x: 'x', y: 'y', r: 2, fill: 'currentColor', fillOpacity: 0.4 },
        ],
      },
      {
        name: 'line',
        args: [
          Array.from({ length: 120 }, (_, i) => ({ x: i, y: Math.exp(-i / 30) + 0.1 * Math.sin(i) })),
          { $plot: { name: 'windowY', args: [{ k: 11 }, { x: 'x', y: 'y', stroke: '#3377cc', strokeWidth: 2 }] } },
        ],
      },
    ],
  },
})

export const CHART = value({
  'text/plain': 'Chart: accuracy by rank',
  [MIME.chart]: {
    title: 'accuracy by rank',
    xLabel: 'step',
    x: Array.from({ length: 80 }, (_, i) => i * 5),
    series: [0, 1, 2].map((rank) => ({
      label: `rank ${rank}`,
      values: Array.from({ length: 80 }, (_, i) => (i > 60 + rank ? null : 1 - Math.exp(-i / (12 + 4 * rank)))),
    })),
  },
})

export const FRAME = value({
  'text/plain': '   a  b\n0  1  2',
  'text/html':
    '<style scoped>.dataframe tbody tr th { vertical-align: top; }</style><table class="dataframe"><thead><tr><th></th><th>a</th><th>b</th></tr></thead><tbody><tr><th>0</th><td>1</td><td>2</td></tr><tr><th>1</th><td>3</td><td>4</td></tr></tbody></table><p>see <a href="https://example.org/docs">the docs</a></p>',
})

export const SVG = value({
  'text/plain': 'a circle',
  'image/svg+xml':
    '<svg xmlns="http://www.w3.org/2000/svg" width="120" height="60" onload="window.hacked=1"><circle cx="30" cy="30" r="24" fill="none" stroke="currentColor" stroke-width="4"/><script>window.hacked=2</script></svg>',
})

export const JSON_VALUE = value({ 'application/json': { config: { epochs: 3, layers: [64, 10] }, ok: true } })

export const MARKDOWN = value({
  'text/plain': 'report',
  'text/markdown':
    '## Result\n\nThe *mean* loss is $\\frac{1}{n}\\sum_i l_i$, see [the docs](https://example.org).\n\n- [x] trained\n- [ ] published\n\n| rank | loss |\n|--:|--:|\n| 0 | 0.12 |\n\n```ts\nawait fabric.launch(train)\n```',
})

/** Values of persistent ranks, side by side. */
export const RANKS: CellOutput[] = [[0], [1], [2, 3]].map((ranks) =>
  value({ 'text/plain': `Tensor [2] float32: ${ranks[0]}.5, ${ranks[0]}.25` }, { rondo: { ranks } }),
)

export const STREAMS: CellOutput[] = [
  {
    kind: 'stream',
    name: 'stdout',
    text: `loading …\nepoch 1: ${ESC}[32mloss 0.41${ESC}[0m ${ESC}[1;34macc 0.88${ESC}[0m\n`,
  },
  { kind: 'stream', name: 'stderr', text: `${ESC}[33mwarning${ESC}[0m: the tab is in the background\n` },
  { kind: 'stream', name: 'stdout', text: `epoch 2: ${ESC}[38;5;208mloss 0.22${ESC}[0m\n` },
]

const frame = (
  functionName: string,
  cellId: string | null,
  line: number,
  column: number,
  source: string | null = null,
) => ({
  functionName,
  cellId,
  cellNumber: cellId === null ? null : 3,
  line,
  column,
  source,
})

export const ERROR: CellError = {
  name: 'TypeError',
  message: 'Cannot read properties of undefined (reading "weights")',
  frames: [
    frame('Dense.apply', null, 812, 13, '/runtime/tfjs.js'),
    frame('step', 'cell-a', 2, 24),
    frame('train', 'cell-a', 5, 3),
    frame('', null, 40, 9, '/runtime/notebook-rank.js'),
  ],
  cause: null,
  rank: 2,
  node: 'Laptop-B',
  code: null,
}

export const SOURCE = [
  'async function step(model, batch) {',
  '  const gradients = model.layers[9].weights.map((w) => w.sub(batch))',
  '}',
  'async function train(fabric) {',
  '  await step(model, batch)',
  '}',
]

export const ERRORS: CellOutput[] = [
  { kind: 'error', name: ERROR.name, message: ERROR.message, traceback: [], error: ERROR },
  {
    kind: 'error',
    name: 'ValueError',
    message: 'shapes do not match',
    traceback: [
      `${ESC}[0;31mValueError${ESC}[0m  Traceback (most recent call last)`,
      'Cell In[4], line 2',
      `${ESC}[0;31mValueError${ESC}[0m: shapes do not match`,
    ],
    error: null,
  },
]
