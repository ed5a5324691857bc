/** What a device is called in the session until a person says otherwise. Pure. */

/** A name that nobody in the session has yet: `Firefox on macOS`, else `Firefox on macOS 2`. */
export function freeLabel(wanted: string, taken: ReadonlySet<string>): string {
  let label = wanted
  for (let n = 2; taken.has(label); n++) label = `${wanted} ${n}`
  return label
}

/** A first name for this device, from what its browser says: `Firefox on macOS`. A person may change it. */
export function suggestedLabel(userAgent: string): string {
  const browser = /Edg\//.test(userAgent)
    ? 'Edge'
    : /Firefox\//.test(userAgent)
      ? 'Firefox'
      : /Chrom(e|ium)\//.test(userAgent)
        ? 'Chrome'
        : /Safari\//.test(userAgent)
          ? 'Safari'
          : 'Browser'
  const system = [
    [/iPhone/, 'iPhone'],
    [/iPad/, 'iPad'],
    [/Android/, 'Android'],
    [/CrOS/, 'ChromeOS'],
    [/Mac OS X/, 'macOS'],
    [/Windows/, 'Windows'],
    [/Linux/, 'Linux'],
  ].find(([pattern]) => (pattern as RegExp).test(userAgent))?.[1] as string | undefined
  return system === undefined ? browser : `${browser} on ${system}`
}
