/** The name a person gave this device, kept in this browser. Storage may be blocked; then nothing is kept. */

const LABEL_KEY = 'rondo.deviceLabel'

export function rememberedLabel(): string | null {
  try {
    return localStorage.getItem(LABEL_KEY)
  } catch {
    return null
  }
}

export function rememberLabel(label: string): void {
  try {
    localStorage.setItem(LABEL_KEY, label)
  } catch {
    // A convenience only: the next visit asks again.
  }
}
