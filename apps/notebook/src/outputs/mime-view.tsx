/** One MIME bundle, in the richest form that may be shown. Not for: which that is (mime.ts). */

import type { TableData, TensorData } from '@rondo/kernel/output'
import { type ChartData, type InspectNode, MIME, type MimeBundle, type PlotSpec } from '@rondo/kernel/output'
import type { VNode } from 'preact'
import { useMemo } from 'preact/hooks'
import { RunPanel, thawRun } from '../run-panel/index.ts'
import { stripAnsi } from './ansi.ts'
import { AnsiText } from './ansi-text.tsx'
import { OutputBoundary } from './boundary.tsx'
import { ChartView } from './chart-view.tsx'
import { Inspector } from './inspector.tsx'
import { jsonTree } from './json-tree.ts'
import { hidesMore, pictureUrl, type ShownMime, shownMimes, textOf, unknownMimes } from './mime.ts'
import { PlotView } from './plot-view.tsx'
import { HtmlView, MarkdownView } from './rich-view.tsx'
import { TableView } from './table-view.tsx'
import { TensorView } from './tensor-view.tsx'

export interface MimeViewProps {
  data: MimeBundle
  metadata: Readonly<Record<string, unknown>>
  trusted: boolean
}

export function MimeView({ data, metadata, trusted }: MimeViewProps): VNode {
  const [mime] = shownMimes(data, trusted)
  const plain = stripAnsi(textOf(data['text/plain'] ?? ''))
  return (
    <>
      <OutputBoundary plain={plain} of={data}>
        {mime === undefined ? (
          <p class="output-note soft">{unknownText(data, trusted)}</p>
        ) : (
          <Shown mime={mime} content={data[mime]} metadata={metadata} plain={plain} trusted={trusted} />
        )}
      </OutputBoundary>
      {hidesMore(data, trusted) && <p class="output-note soft">There is more to see once you trust this notebook.</p>}
    </>
  )
}

function unknownText(data: MimeBundle, trusted: boolean): string {
  const types = unknownMimes(data)
  if (Object.keys(data).length === 0) return 'An output without content.'
  if (types.length === 0 && !trusted) return 'Shown once you trust this notebook.'
  return `An output of a kind that is not shown here: ${types.join(', ')}. It is kept in the file.`
}

interface ShownProps {
  mime: ShownMime
  content: unknown
  metadata: Readonly<Record<string, unknown>>
  plain: string
  trusted: boolean
}

function Shown({ mime, content, metadata, plain, trusted }: ShownProps): VNode {
  switch (mime) {
    case MIME.run:
      return <FrozenRun content={content} plain={plain} />
    case MIME.chart:
      return <ChartView chart={content as ChartData} />
    case MIME.plot:
      return <PlotView spec={content as PlotSpec} />
    case MIME.tensor:
      return <TensorView tensor={content as TensorData} />
    case MIME.table:
      return <TableView table={content as TableData} />
    case MIME.inspect:
      return <Inspector root={content as InspectNode} />
    case 'text/html':
      return <HtmlView html={textOf(content)} trusted={trusted} plain={plain} />
    case 'text/markdown':
      return <MarkdownView source={textOf(content)} trusted={trusted} />
    case 'image/svg+xml':
      return trusted ? (
        <HtmlView html={textOf(content)} trusted={trusted} plain={plain} />
      ) : (
        <Picture mime={mime} content={content} metadata={metadata} plain={plain} />
      )
    case 'image/png':
    case 'image/jpeg':
    case 'image/gif':
    case 'image/webp':
    case 'image/avif':
    case 'image/bmp':
      return <Picture mime={mime} content={content} metadata={metadata} plain={plain} />
    case 'application/json':
      return <Inspector root={jsonTree(content)} />
    case 'text/latex':
    case 'text/plain':
      return (
        <pre class="output-text">
          <AnsiText text={textOf(content)} />
        </pre>
      )
    default:
      return mime satisfies never
  }
}

function Picture({ mime, content, metadata, plain }: Omit<ShownProps, 'trusted'>): VNode {
  const url = useMemo(() => pictureUrl(mime, content), [mime, content])
  if (url === null) return <p class="output-note soft">A picture whose data cannot be read. {plain}</p>
  const wanted = (metadata[mime] ?? metadata) as { width?: unknown; height?: unknown }
  const side = (value: unknown) => (typeof value === 'number' && value > 0 ? { value } : null)
  const [width, height] = [side(wanted.width), side(wanted.height)]
  return (
    <img
      class="output-picture"
      src={url}
      alt={plain === '' ? 'Output picture' : plain}
      {...(width === null ? {} : { width: width.value })}
      {...(height === null ? {} : { height: height.value })}
    />
  )
}

function FrozenRun({ content, plain }: { content: unknown; plain: string }): VNode {
  const view = useMemo(() => thawRun(content), [content])
  return view === null ? <pre class="output-text">{plain}</pre> : <RunPanel view={view} />
}
