/**
 * An error: whose it is, what it says, the person's own line first, the rest of the stack folded. Not for: marking
 * the line in the editor (the cell does, by errorPlace).
 */
import type { CellError, StackFrame } from '@rondo/kernel/output'
import { RankChip } from '@rondo/ui'
import type { VNode } from 'preact'
import type { CellOutput } from '../model/notebook.ts'
import { AnsiText } from './ansi-text.tsx'
import { type ErrorPlace, framePlace } from './error-place.ts'

export interface ErrorViewProps {
  output: Extract<CellOutput, { kind: 'error' }>
  sourceLine?: ((cellId: string, line: number) => string | null) | undefined
  onJump?: ((place: ErrorPlace) => void) | undefined
}

export function ErrorView({ output, sourceLine, onJump }: ErrorViewProps): VNode {
  const { error, name, message, traceback } = output
  return (
    <section class="error" aria-label="Error" data-testid="error">
      {error === null ? (
        <>
          <p class="error-head">
            <strong>{name}</strong>: {message}
          </p>
          {traceback.length > 0 && (
            <pre class="error-trace">
              <AnsiText text={traceback.join('\n')} />
            </pre>
          )}
        </>
      ) : (
        <OwnError error={error} sourceLine={sourceLine} onJump={onJump} />
      )}
    </section>
  )
}

function OwnError({ error, ...rest }: { error: CellError } & Omit<ErrorViewProps, 'output'>): VNode {
  const first = error.frames.find((frame) => frame.cellId !== null)
  const others = error.frames.filter((frame) => frame !== first)
  return (
    <>
      {error.rank !== null && (
        <p class="error-rank">
          rank <RankChip rank={error.rank} />
          {error.node !== null && <span class="soft"> on {error.node}</span>}
        </p>
      )}
      <p class="error-head">
        <strong>{error.name}</strong>: {error.message}
      </p>
      {first !== undefined && <OwnLine frame={first} {...rest} />}
      {error.cause !== null && (
        <div class="error-cause">
          <p class="soft">caused by</p>
          <OwnError error={error.cause} {...rest} />
        </div>
      )}
      {(others.length > 0 || error.code !== null) && (
        <details class="fold">
          <summary>{others.length > 0 ? `Stack (${error.frames.length} frames)` : 'Details'}</summary>
          <ol class="error-frames num">
            {error.frames.map((frame, i) => (
              <li key={i}>
                <Frame frame={frame} onJump={rest.onJump} />
              </li>
            ))}
          </ol>
          {error.code !== null && <p class="soft">code {error.code}</p>}
        </details>
      )}
    </>
  )
}

function OwnLine({ frame, sourceLine, onJump }: { frame: StackFrame } & Omit<ErrorViewProps, 'output'>): VNode {
  const text = frame.cellId === null ? null : (sourceLine?.(frame.cellId, frame.line) ?? null)
  const indent = text === null ? 0 : text.length - text.trimStart().length
  const caret = Math.max(0, frame.column - 1 - indent)
  return (
    <div class="error-line">
      <Frame frame={frame} onJump={onJump} />
      {text !== null && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
        <pre tabIndex={0}>
          <span class="error-number" aria-hidden="true">
            {frame.line}
          </span>
          {text.trim()}
          {caret <= text.trim().length && (
            <span class="error-caret" aria-hidden="true">
              {'\n'}
              <span class="error-number" />
              {' '.repeat(caret)}^
            </span>
          )}
        </pre>
      )}
    </div>
  )
}

function Frame({ frame, onJump }: { frame: StackFrame; onJump?: ErrorViewProps['onJump'] }): VNode {
  const { functionName, cellNumber, line, column, source } = frame
  const name = functionName === '' ? null : <code>{functionName}</code>
  const place = framePlace(frame)
  if (place === null) {
    return (
      <span class="soft breakable">
        {name} {source ?? 'unknown source'}:{line}:{column}
      </span>
    )
  }
  const where = `cell [${cellNumber ?? ' '}], line ${line}`
  return (
    <span>
      {onJump === undefined ? (
        where
      ) : (
        <button type="button" class="text-button" onClick={() => onJump(place)}>
          {where}
        </button>
      )}
      {name !== null && <span class="soft"> in {name}</span>}
    </span>
  )
}
