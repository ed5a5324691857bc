/** Starts the join page: reads the address, opens the session, draws the state. */
import { restoreTheme } from '@rondo/ui'
import '@rondo/ui/styles.css'
import './styles/join.css'
import './styles/panels.css'
import { effect } from '@preact/signals'
import { render } from 'preact'
import { startClock } from './clock.ts'
import { guardTab } from './guard.ts'
import { readParams } from './params.ts'
import { JoinSession } from './session.ts'
import { createStore } from './store.ts'
import { App } from './views/app.tsx'
import { Home } from './views/home.tsx'

/** Random bits of a page's id. Works on insecure pages too, where `crypto.randomUUID` is missing. */
const PAGE_ID_BYTES = 12

function newPageId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(PAGE_ID_BYTES)), (byte) =>
    byte.toString(16).padStart(2, '0'),
  ).join('')
}

restoreTheme()
const root = document.getElementById('app') ?? document.body
const params = readParams(location.href)
// A pasted link that differs only in its token changes nothing but the fragment: start over with it.
addEventListener('hashchange', () => location.reload())

if (params.session === null) {
  render(<Home />, root)
} else {
  const store = createStore(newPageId())
  const session = new JoinSession({ ...params, session: params.session }, store)
  const now = startClock()
  guardTab(params, store)
  effect(() => {
    render(<App state={store.published.value} params={params} now={now.value} actions={session} />, root)
  })
  void session.open()
}
