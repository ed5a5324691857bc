/** How many ranks this page may run: a person's choice, kept in this browser. Storage may be blocked. */

const KEY = 'rondo.notebook.slots'
/** Two ranks show what distributed means on any machine. */
const DEFAULT_SLOTS = 2
/** At least this many may be chosen, also where there are fewer processors: small models share one well. */
const LEAST_MAX = 8

/** The most ranks that this page may have. */
export function maxSlots(): number {
  return Math.max(LEAST_MAX, navigator.hardwareConcurrency ?? 1)
}

export function rememberedSlots(): number {
  try {
    const slots = Number(localStorage.getItem(KEY) ?? DEFAULT_SLOTS)
    return Number.isInteger(slots) && slots >= 0 && slots <= maxSlots() ? slots : DEFAULT_SLOTS
  } catch {
    return DEFAULT_SLOTS
  }
}

export function rememberSlots(slots: number): void {
  try {
    localStorage.setItem(KEY, String(slots))
  } catch {
    // A convenience only: the next visit begins with the default.
  }
}
