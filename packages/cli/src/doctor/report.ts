/** One line a finding: what was looked at, how it stands, and what to do where it does not work. */
import color from 'picocolors'

export interface Finding {
  name: string
  status: 'ok' | 'warn' | 'fail'
  text: string
  /** Only where something is amiss. */
  remedy?: string
}

const MARKS = { ok: color.green('ok  '), warn: color.yellow('warn'), fail: color.red('fail') } as const
const NAME_WIDTH = 14

export function findingLines(finding: Finding): string {
  const line = `${MARKS[finding.status]}  ${finding.name.padEnd(NAME_WIDTH)} ${finding.text}`
  return finding.remedy === undefined ? line : `${line}\n      ${' '.repeat(NAME_WIDTH)} → ${finding.remedy}`
}
