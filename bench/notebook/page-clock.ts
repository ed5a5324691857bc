/**
 * What the bench watches from inside of the notebook's page, on the page's own clock: milliseconds since its
 * navigation began. A program of its own that runs in the page before the page's code. Not for: using the times.
 */

export interface PageClock {
  /** When the first page could be used: the frame that shows it, with the list of notebooks, was painted. */
  homeUsable: number | null
  /** When a character was painted in the editor of an open notebook that was typed there as soon as there was one. */
  notebookUsable: number | null
  /** When the kernel could run a cell. */
  kernelIdle: number | null
  /** The browser's own entries: tasks of 50 ms and more. */
  longTasks: Array<{ startedAt: number; milliseconds: number }>
  /** From the event of each key that wrote something to the painted frame that holds it. */
  keyMs: number[]
  /** When a button or a key was pressed last. */
  pressedAt: number
  /** Since then: the first `progress` event of any rank, and the painted frame whose run panel shows training. */
  firstStep: number | null
  firstStepSeen: number | null
}

declare global {
  var benchClock: PageClock
  /** Whether to type into the first editor that appears; set before this program. */
  var benchTypes: boolean
}

const clock: PageClock = {
  homeUsable: null,
  notebookUsable: null,
  kernelIdle: null,
  longTasks: [],
  keyMs: [],
  pressedAt: 0,
  firstStep: null,
  firstStepSeen: null,
}
globalThis.benchClock = clock

/** A message that is sent in a frame arrives when the frame is drawn. */
function afterPaint(act: (now: number) => void): void {
  requestAnimationFrame(() => {
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = () => {
      act(performance.now())
      port1.close()
    }
    port2.postMessage(null)
  })
}

new PerformanceObserver((list) => {
  for (const { startTime, duration } of list.getEntries()) {
    clock.longTasks.push({ startedAt: startTime, milliseconds: duration })
  }
}).observe({ type: 'longtask', buffered: true })

const done = new Set<string>()

/** @returns true the first time that `condition` holds since the name was forgotten */
function first(name: string, condition: boolean): boolean {
  if (!condition || done.has(name)) return false
  done.add(name)
  return true
}

function press({ timeStamp }: Event): void {
  clock.pressedAt = timeStamp
  clock.firstStep = null
  clock.firstStepSeen = null
  done.delete('step seen')
}

// A key's event comes first, then its input, maybe in another task: the frame to wait for is the input's.
let keyAt: number | null = null
addEventListener('click', press, true)
addEventListener(
  'keydown',
  (event) => {
    keyAt = event.timeStamp
    press(event)
  },
  true,
)
addEventListener(
  'input',
  () => {
    const startedAt = keyAt
    keyAt = null
    if (startedAt !== null) afterPaint((now) => clock.keyMs.push(now - startedAt))
  },
  true,
)

// Ranks' events reach the page on its connection to the session.
globalThis.WebSocket = class extends globalThis.WebSocket {
  constructor(url: string | URL, protocols?: string | string[]) {
    super(url, protocols)
    this.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
      if (clock.firstStep !== null || typeof data !== 'string') return
      if (data.includes('"run:event"') && data.includes('"kind":"progress"')) clock.firstStep = performance.now()
    })
  }
}

function look(): void {
  const text = (selector: string): string => document.querySelector(selector)?.textContent ?? ''
  const home = text('[data-testid="home"]')
  if (first('home', home !== '' && !home.includes('looking into this browser'))) {
    afterPaint((now) => {
      clock.homeUsable = now
    })
  }
  const editor = document.querySelector<HTMLElement>('[data-testid="notebook"] .cm-content[contenteditable="true"]')
  if (globalThis.benchTypes && editor !== null && first('notebook', true)) {
    editor.focus()
    document.execCommand('insertText', false, 'x')
    afterPaint((now) => {
      clock.notebookUsable = now
    })
  }
  if (first('kernel', text('[data-testid="kernel-state"]').includes('idle'))) clock.kernelIdle = performance.now()
  if (clock.firstStep !== null) {
    // The panel of an earlier launch says that it is done.
    const headlines = [...document.querySelectorAll('[data-testid="run-headline"]')]
    const trains = headlines.some((headline) => headline.textContent?.startsWith('Training') === true)
    if (first('step seen', trains)) {
      afterPaint((now) => {
        clock.firstStepSeen = now
      })
    }
  }
  requestAnimationFrame(look)
}
requestAnimationFrame(look)
