/**
 * The same random numbers each time a function runs again: those drawn before come again, further ones are drawn anew.
 * What tfjs draws (dropout, initialisers) starts from Math.random too. Not for: seeds (seeds/).
 */
export function recordRandom(): { replay: <T>(fn: () => T) => T } {
  const drawn: number[] = []
  return {
    replay(fn) {
      const real = Math.random
      let at = 0
      Math.random = () => {
        if (at === drawn.length) drawn.push(real())
        at += 1
        return drawn[at - 1] as number
      }
      try {
        return fn()
      } finally {
        Math.random = real
      }
    },
  }
}
