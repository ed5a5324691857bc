/** Shows one scene of the notebook's views, named by `?state=`. Served by Vite and by tests; never built. */
import { restoreTheme } from '@rondo/ui'
import '@rondo/ui/styles.css'
import './page.css'
import { render } from 'preact'
import { SCENES } from './scenes.tsx'

restoreTheme()
const name = new URLSearchParams(location.search).get('state') ?? ''
const scene = SCENES[name]
const root = document.getElementById('app')
if (root) {
  render(
    <main class="dev">
      <h1>{scene === undefined ? 'Scenes' : name}</h1>
      {scene === undefined ? (
        <ul>
          {Object.keys(SCENES).map((key) => (
            <li key={key}>
              <a href={`?state=${key}`}>{key}</a>
            </li>
          ))}
        </ul>
      ) : (
        scene()
      )}
    </main>,
    root,
  )
}
