/**
 * What loggers are given on a rank: files of the run, and whether this rank is the one that writes. Not for: what they
 * log (log.ts).
 */
import { type FileSink, type Logger, type LoggerHost, provideLoggerHost } from '@rondo/loggers'
import { currentRankContext, type RankContext, type RunFiles } from '../context.ts'

const hosts = new WeakMap<RankContext, LoggerHost>()

/** The host of a rank; the same one each time. */
function loggerHost(context: RankContext): LoggerHost {
  const known = hosts.get(context)
  if (known) return known
  const host: LoggerHost = {
    sink: sinkOf(context.files),
    writes: context.group.rank === 0,
    hostname: context.nodeLabel,
  }
  hosts.set(context, host)
  return host
}

/** Ties loggers to a rank: from now on they write there, and are ended with it. */
export function attachLoggers(context: RankContext, loggers: readonly Logger[]): void {
  for (const logger of loggers) {
    // A logger that only looks like one may lack it.
    logger.attach?.(loggerHost(context))
    context.loggers.add(logger)
  }
}

function sinkOf(files: RunFiles): FileSink {
  const { append, list } = files
  return {
    write: (path, content) => files.write(path, toBytes(content)),
    read: (path) => files.read(path),
    ...(append && { append: (path, content, at) => append(path, toBytes(content), at) }),
    ...(list && { list }),
  }
}

function toBytes(content: string | Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return typeof content === 'string' ? new TextEncoder().encode(content) : content
}

provideLoggerHost(() => loggerHost(currentRankContext()))
