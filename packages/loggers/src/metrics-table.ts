/** Rows of metrics whose columns grow as new names appear, and their CSV text (RFC 4180). Writes nothing itself. */

/** The first column; a metric may not have this name. */
export const STEP_COLUMN = 'step'

export class MetricsTable {
  /** `step`, then the metrics in order of first appearance. */
  readonly columns: string[] = [STEP_COLUMN]
  #rows: { step: number; metrics: Readonly<Record<string, number>> }[] = []

  get length(): number {
    return this.#rows.length
  }

  add(metrics: Readonly<Record<string, number>>, step: number): void {
    for (const name of Object.keys(metrics)) if (!this.columns.includes(name)) this.columns.push(name)
    this.#rows.push({ step, metrics: { ...metrics } })
  }

  header(): string {
    return line(this.columns.map(quote))
  }

  /** All rows; a metric that a row lacks is an empty field. */
  body(): string {
    return this.#rows.map(({ step, metrics }) => this.#row(step, metrics)).join('')
  }

  /** Forgets the first `count` rows, which somebody else keeps now. */
  drop(count: number): void {
    this.#rows = this.#rows.slice(count)
  }

  #row(step: number, metrics: Readonly<Record<string, number>>): string {
    const cells = this.columns.slice(1).map((name) => (Object.hasOwn(metrics, name) ? String(metrics[name]) : ''))
    return line([String(step), ...cells])
  }
}

/** The text of a table without its header, with `count` more columns, all empty. */
export function widened(body: string, count: number): string {
  // Fields are numbers, so a line feed is the end of a row and nothing else.
  return body.replaceAll('\n', `${','.repeat(count)}\n`)
}

function line(fields: readonly string[]): string {
  return `${fields.join(',')}\n`
}

function quote(field: string): string {
  return /[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field
}
