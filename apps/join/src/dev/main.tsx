/** Shows one fixture, named by `?state=`, with buttons that do nothing. Served by Vite only; never built. */
import { restoreTheme } from '@rondo/ui'
import '@rondo/ui/styles.css'
import '../styles/join.css'
import '../styles/panels.css'
import { render } from 'preact'
import { readParams } from '../params.ts'
import { App } from '../views/app.tsx'
import { Home } from '../views/home.tsx'
import { FIXTURES, NOW } from './fixtures.ts'

const nothing = () => undefined
const name = new URLSearchParams(location.search).get('state') ?? 'home'
const fixture = FIXTURES[name]
const params = readParams('http://192.0.2.10:29400/join/?session=quiet-fox-42#token=Jm3vT0aPq9Zr5bXw')

restoreTheme()
const root = document.getElementById('app')
if (root) {
  render(
    fixture === undefined ? (
      <Home />
    ) : (
      <App
        state={fixture()}
        params={params}
        now={NOW}
        actions={{ join: nothing, leave: nothing, start: nothing, stop: nothing, reconnect: nothing }}
      />
    ),
    root,
  )
}
