/** The page without a session: what Rondo is, and the way in by a link somebody sent. */
import { Logo, ThemeToggle } from '@rondo/ui'
import type { VNode } from 'preact'
import { useState } from 'preact/hooks'
import { readParams } from '../params.ts'

export function Home(): VNode {
  const [problem, setProblem] = useState<string | null>(null)
  const open = (event: Event) => {
    event.preventDefault()
    const form = event.currentTarget as HTMLFormElement
    const text = String(new FormData(form).get('link') ?? '').trim()
    const address = URL.canParse(text) ? text : null
    if (address === null || readParams(address).session === null) {
      setProblem('This is no join link. It looks like http://192.0.2.10:29400/join/?session=quiet-fox-42#token=….')
      return
    }
    location.assign(address)
  }
  return (
    <>
      <header class="header">
        <a class="brand" href="/join/">
          <Logo />
          Rondo
        </a>
        <div class="header-end">
          <ThemeToggle />
        </div>
      </header>
      <main class="layout home">
        <section>
          <h1 class="home-title">Train together, in browser tabs.</h1>
          <p class="soft">
            Rondo trains one neural network on the devices people already have open. Every tab is a rank; gradients
            travel round a ring from tab to tab. Nothing is installed, and nothing runs before you agree.
          </p>
        </section>
        <section class="panel" aria-label="Join a session">
          <form onSubmit={open} class="home-form">
            <label class="field">
              Join link
              <input class="input" name="link" type="url" required placeholder="http://…/join/?session=…#token=…" />
            </label>
            <button type="submit" class="button button-primary">
              Open
            </button>
          </form>
          <p class="tone-fail home-problem" role="alert">
            {problem}
          </p>
          <p class="soft home-note">
            To gather devices yourself, run <code>npm start</code> in a clone of Rondo: it prints a link to hand on.
          </p>
        </section>
      </main>
    </>
  )
}
