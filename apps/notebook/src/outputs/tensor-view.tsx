/** A tensor as a person checks it: shape and type, statistics, a picture when it looks like one, its first values. */
import type { TensorData } from '@rondo/kernel/output'
import { formatCount, formatLoss, plural } from '@rondo/ui'
import type { VNode } from 'preact'
import { useLayoutEffect, useMemo, useRef } from 'preact/hooks'
import { type Picture, previewRows, readPicture } from './picture.ts'

/** Rows of first values that are shown. */
const MAX_ROWS = 8

export function TensorView({ tensor }: { tensor: TensorData }): VNode {
  const picture = useMemo(() => readPicture(tensor.picture), [tensor])
  const { shape, dtype, min, max, mean, std, nonFinite, preview } = tensor
  const figure = (value: number | null) => (value === null ? '–' : valueText(value))
  const size = shape.reduce((product, side) => product * side, 1)
  return (
    <div class="tensor" data-testid="tensor">
      {picture !== null && (
        <PictureCanvas picture={picture} label={`Picture of a tensor of shape ${shape.join(' × ')}`} />
      )}
      <div class="tensor-text num">
        <p class="tensor-head">
          Tensor [{shape.join(', ')}] {dtype} <span class="soft">· {plural(size, 'value')}</span>
        </p>
        <dl class="tensor-figures">
          {(
            [
              ['min', min],
              ['max', max],
              ['mean', mean],
              ['std', std],
            ] as const
          ).map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{figure(value)}</dd>
            </div>
          ))}
        </dl>
        {nonFinite > 0 && <p class="tone-warn">{formatCount(nonFinite)} of them NaN or infinite</p>}
        {preview.length > 0 && (
          <details class="fold">
            <summary>First values</summary>
            <pre class="tensor-values">
              {previewRows(shape, preview, MAX_ROWS)
                .map((row) => row.map((value) => valueText(value)).join('  '))
                .join('\n')}
            </pre>
          </details>
        )}
      </div>
    </div>
  )
}

function valueText(value: number): string {
  return Number.isInteger(value) ? String(value) : formatLoss(value)
}

function PictureCanvas({ picture, label }: { picture: Picture; label: string }): VNode {
  const canvas = useRef<HTMLCanvasElement>(null)
  const { width, height, pixels, factor } = picture
  useLayoutEffect(() => {
    canvas.current?.getContext('2d')?.putImageData(new ImageData(pixels, width, height), 0, 0)
  }, [pixels, width, height])
  return (
    <canvas
      ref={canvas}
      class="tensor-picture"
      width={width}
      height={height}
      style={{ width: `${width * factor}px` }}
      role="img"
      aria-label={label}
    />
  )
}
