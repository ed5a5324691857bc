/**
 * A stream of lines that stays scrollable however long it gets: only the lines in sight are elements. It follows
 * its end until a person scrolls up. Not for: joining and splitting text (log-buffer.ts).
 */
import { formatCount } from '@rondo/ui'
import type { VNode } from 'preact'
import { useLayoutEffect, useRef, useState } from 'preact/hooks'
import { stripAnsi } from './ansi.ts'
import { AnsiText } from './ansi-text.tsx'
import { LogBuffer, type LogLine, type StreamOutput } from './log-buffer.ts'

/** CSS pixels of a line; the stylesheet's line height. */
const LINE_PX = 18
/** Lines up to which all are elements, and long ones wrap. */
const MAX_PLAIN_LINES = 200
/** Lines up to which the log is as high as its text. */
const MAX_OPEN_LINES = 30
/** Lines drawn above and below the sight: scrolling meets drawn lines first. */
const OVERSCAN = 24
/** Pixels from the end within which a person counts as reading along. */
const FOLLOW_PX = 24
/** Characters drawn of one line; what is copied is whole. */
const MAX_DRAWN_CHARS = 5_000

export function LogView({ outputs, label }: { outputs: readonly StreamOutput[]; label: string }): VNode {
  const buffer = useRef<LogBuffer | null>(null)
  buffer.current ??= new LogBuffer()
  buffer.current.update(outputs)
  const { lines } = buffer.current
  const box = useRef<HTMLDivElement>(null)
  const [following, setFollowing] = useState(true)
  const [top, setTop] = useState(0)
  const long = lines.length > MAX_PLAIN_LINES
  const visible = MAX_OPEN_LINES + 2 * OVERSCAN
  const first = long ? firstDrawn(lines.length, following ? Number.POSITIVE_INFINITY : top, visible) : 0
  const drawn = long ? lines.slice(first, first + visible) : lines
  useLayoutEffect(() => {
    const element = box.current
    if (element !== null && following) element.scrollTop = element.scrollHeight
  })
  const onScroll = () => {
    const element = box.current
    if (element === null) return
    setFollowing(element.scrollHeight - element.scrollTop - element.clientHeight < FOLLOW_PX)
    // In whole overscans: most scroll events then change nothing.
    setTop(Math.floor(element.scrollTop / LINE_PX / OVERSCAN) * OVERSCAN)
  }
  const boxed = lines.length > MAX_OPEN_LINES
  return (
    <div class="log" data-testid="log">
      <div
        ref={box}
        class={`log-box${boxed ? ' log-boxed' : ''}${long ? ' log-long' : ''}`}
        onScroll={onScroll}
        role="log"
        aria-live="off"
        aria-label={label}
        tabIndex={boxed ? 0 : -1}
      >
        <div style={long ? { height: `${lines.length * LINE_PX}px`, paddingTop: `${first * LINE_PX}px` } : {}}>
          {drawn.map((line, i) => (
            <Line key={first + i} line={line} />
          ))}
        </div>
      </div>
      {boxed && <LogFoot lines={lines} following={following} toEnd={() => setFollowing(true)} />}
    </div>
  )
}

function firstDrawn(count: number, top: number, visible: number): number {
  return Math.max(0, Math.min(top - OVERSCAN, count - visible))
}

function Line({ line }: { line: LogLine }): VNode {
  const { text, stream, style } = line
  const cut = text.length > MAX_DRAWN_CHARS
  return (
    <div class={stream === 'stderr' ? 'log-line log-error' : 'log-line'}>
      <AnsiText text={cut ? text.slice(0, MAX_DRAWN_CHARS) : text} style={style} />
      {cut && <span class="soft"> … {formatCount(text.length - MAX_DRAWN_CHARS)} more characters</span>}
    </div>
  )
}

interface LogFootProps {
  lines: readonly LogLine[]
  following: boolean
  toEnd(): void
}

function LogFoot({ lines, following, toEnd }: LogFootProps): VNode {
  const [copied, setCopied] = useState('')
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(lines.map((line) => stripAnsi(line.text)).join('\n'))
      setCopied('Copied')
    } catch {
      setCopied('Copying is not allowed here')
    }
  }
  return (
    <div class="log-foot soft num">
      <span>{formatCount(lines.length)} lines</span>
      <button type="button" class="text-button" onClick={copy} onBlur={() => setCopied('')}>
        {copied === '' ? 'Copy all' : copied}
      </button>
      {!following && (
        <button type="button" class="text-button" onClick={toEnd}>
          To the end
        </button>
      )}
    </div>
  )
}
