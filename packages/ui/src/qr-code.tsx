/** A QR code as one SVG path, dark on light in either theme so that every camera reads it. */
import type { VNode } from 'preact'
import { useMemo } from 'preact/hooks'
import { encode } from 'uqr'

/** Modules of quiet zone round the code, as ISO/IEC 18004 asks of printed ones; screens do with two. */
const QUIET_ZONE = 2

export function QrCode({ text, label }: { text: string; label: string }): VNode {
  const { size, path } = useMemo(() => {
    const code = encode(text, { ecc: 'M', border: QUIET_ZONE })
    let d = ''
    code.data.forEach((row, y) => {
      for (let x = 0; x < row.length; x++) {
        if (!row[x]) continue
        let run = 1
        while (row[x + run]) run += 1
        d += `M${x} ${y}h${run}v1h-${run}z`
        x += run
      }
    })
    return { size: code.size, path: d }
  }, [text])
  return (
    <svg class="qr" viewBox={`0 0 ${size} ${size}`} role="img" aria-label={label} shape-rendering="crispEdges">
      <rect width={size} height={size} fill="#fff" />
      <path d={path} fill="#000" />
    </svg>
  )
}
