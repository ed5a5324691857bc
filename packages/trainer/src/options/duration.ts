/** `maxTime`: how long training may take, as Lightning writes it. */
import { RondoError } from '@rondo/protocol'

/** `"DD:HH:MM:SS"`, or its parts. */
export type Duration = string | { days?: number; hours?: number; minutes?: number; seconds?: number }

const MS = { days: 86_400_000, hours: 3_600_000, minutes: 60_000, seconds: 1_000 } as const
const TEXT = /^(\d+):(\d{1,2}):(\d{1,2}):(\d{1,2})$/

/** Milliseconds. Throws BAD_ARGUMENT for what is no duration, naming `option`. */
export function parseDuration(value: unknown, option = 'Trainer({ maxTime })'): number {
  if (typeof value === 'string') {
    const [, days, hours, minutes, seconds] = TEXT.exec(value.trim()) ?? []
    if (days !== undefined && Number(hours) < 24 && Number(minutes) < 60 && Number(seconds) < 60) {
      return (
        Number(days) * MS.days + Number(hours) * MS.hours + Number(minutes) * MS.minutes + Number(seconds) * MS.seconds
      )
    }
  } else if (typeof value === 'object' && value !== null) {
    const parts = Object.entries(value)
    const good = parts.every(
      ([key, part]) => key in MS && typeof part === 'number' && part >= 0 && Number.isFinite(part),
    )
    if (parts.length > 0 && good) {
      return parts.reduce((sum, [key, part]) => sum + (part as number) * MS[key as keyof typeof MS], 0)
    }
  }
  throw new RondoError(
    'BAD_ARGUMENT',
    `${option} is ${JSON.stringify(value) ?? String(value)}; allowed is "DD:HH:MM:SS", such as "00:01:30:00" for an hour and a half, or { days, hours, minutes, seconds }. Correct it.`,
  )
}
