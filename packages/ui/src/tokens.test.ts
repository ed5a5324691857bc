/** The contrast that people need, checked for light and dark on the very file that pages load. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

const css = readFileSync(new URL('./styles/tokens.css', import.meta.url), 'utf8')
const THEMES = ['light', 'dark'] as const

const COLOUR = /oklch\(([\d.]+) ([\d.]+) ([\d.]+)\)/g

/** OKLCH → linear sRGB, clipped to the gamut (Björn Ottosson's matrices, as CSS Color 4 states them). */
function linearRgb(lightness: number, chroma: number, hue: number): number[] {
  const a = chroma * Math.cos((hue * Math.PI) / 180)
  const b = chroma * Math.sin((hue * Math.PI) / 180)
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3
  return [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ].map((channel) => Math.min(1, Math.max(0, channel)))
}

function luminance(token: string, theme: (typeof THEMES)[number]): number {
  const declaration = new RegExp(`--${token}: light-dark\\((.+)\\);`).exec(css)?.[1] ?? ''
  const pair = [...declaration.matchAll(COLOUR)][THEMES.indexOf(theme)]
  if (!pair) throw new Error(`--${token} is not a light-dark() pair of oklch colours`)
  const [r = 0, g = 0, b = 0] = linearRgb(Number(pair[1]), Number(pair[2]), Number(pair[3]))
  return 0.2126 * r + 0.7152 * g + 0.0722 * b
}

/** Contrast ratio of WCAG 2.2, 1 to 21. */
function contrast(a: string, b: string, theme: (typeof THEMES)[number]): number {
  const [dark = 0, light = 0] = [luminance(a, theme), luminance(b, theme)].sort((x, y) => x - y)
  return (light + 0.05) / (dark + 0.05)
}

describe.each(THEMES)('%s theme', (theme) => {
  const grounds = ['page', 'surface', 'sunken']
  const texts = ['text', 'text-soft', 'accent', 'accent-strong', 'ok', 'wait', 'warn', 'fail']
  it.each(texts)('%s is readable on every ground', (text) => {
    for (const ground of grounds) expect(contrast(text, ground, theme), ground).toBeGreaterThanOrEqual(4.5)
  })

  it.each([
    ['accent-text', 'accent'],
    ['accent-text', 'accent-strong'],
    ['fail', 'fail-soft'],
    ['warn', 'warn-soft'],
    ['ok', 'ok-soft'],
    ['text', 'accent-soft'],
    ['text', 'fail-soft'],
    ['text', 'warn-soft'],
    ['text-soft', 'warn-soft'],
    ['text-soft', 'fail-soft'],
  ])('%s is readable on %s', (text, ground) => expect(contrast(text, ground, theme)).toBeGreaterThanOrEqual(4.5))

  it('keeps strokes of controls visible', () => {
    expect(contrast('line-strong', 'surface', theme)).toBeGreaterThanOrEqual(3)
  })
  it.each([
    ...Array.from({ length: 8 }, (_, i) => `rank-${i}`),
    'carrier-local',
    'carrier-port',
    'carrier-webrtc',
    'carrier-relay',
  ])('%s stands out from the surface', (token) => {
    expect(contrast(token, 'surface', theme)).toBeGreaterThanOrEqual(3)
  })
})
