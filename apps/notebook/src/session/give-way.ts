/**
 * A session has one run at a time, and several notebooks of one browser may control it: one that only keeps its ranks
 * warm gives them up when another wants to launch. Not for: notebooks of other browsers, which do not hear this.
 */

const CHANNEL = 'rondo-notebook'
/** Milliseconds for the other page to end its ranks and say so; nobody may be there at all. */
const ANSWER_MS = 1_500

type Message = { session: string } & ({ ask: string } | { answer: string; gave: boolean })

export class GiveWay {
  readonly #channel: BroadcastChannel
  readonly #session: string
  readonly #waiting = new Map<string, (gave: boolean) => void>()

  /** `yieldRanks` ends ranks that nothing needs now and tells whether it did. */
  constructor(session: string, yieldRanks: () => Promise<boolean>) {
    this.#session = session
    this.#channel = new BroadcastChannel(CHANNEL)
    this.#channel.onmessage = ({ data }: MessageEvent<Message>) => {
      if (data.session !== session) return
      if ('answer' in data) {
        if (data.gave) this.#waiting.get(data.answer)?.(true)
        return
      }
      const { ask } = data
      void yieldRanks().then((gave) => this.#say({ session, answer: ask, gave }))
    }
  }

  /** Asks the other notebooks to let go; true when one of them did. */
  ask(signal: AbortSignal): Promise<boolean> {
    const id = String(crypto.getRandomValues(new Uint32Array(2)))
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)])
    return new Promise((resolve) => {
      const settle = (gave: boolean): void => {
        this.#waiting.delete(id)
        resolve(gave)
      }
      this.#waiting.set(id, settle)
      deadline.addEventListener('abort', () => settle(false), { once: true })
      this.#say({ session: this.#session, ask: id })
    })
  }

  close(): void {
    this.#channel.close()
  }

  #say(message: Message): void {
    this.#channel.postMessage(message)
  }
}
