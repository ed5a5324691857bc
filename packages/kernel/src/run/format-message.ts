/** The arguments of a `console` call as one text, with the format specifiers of the console standard. */

/** `text` gives how a value that is not a string looks; strings stand as they are. */
export function formatMessage(args: readonly unknown[], text: (value: unknown) => string): string {
  const show = (value: unknown): string => (typeof value === 'string' ? value : text(value))
  const [first, ...rest] = args
  if (typeof first !== 'string' || rest.length === 0) return args.map(show).join(' ')
  let used = 0
  const message = first.replace(/%([sdifoOc%])/g, (whole, kind: string) => {
    if (kind === '%') return '%'
    if (used >= rest.length) return whole
    const value = rest[used++]
    switch (kind) {
      case 's':
        return show(value)
      case 'd':
        return typeof value === 'bigint' || typeof value === 'number' ? String(value) : 'NaN'
      case 'i':
        return typeof value === 'symbol' ? 'NaN' : String(Number.parseInt(String(value), 10))
      case 'f':
        return typeof value === 'symbol' ? 'NaN' : String(Number.parseFloat(String(value)))
      case 'c':
        // Styles have no meaning in a text stream.
        return ''
      default:
        return text(value)
    }
  })
  return [message, ...rest.slice(used).map(show)].join(' ')
}
