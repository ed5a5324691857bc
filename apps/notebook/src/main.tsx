/** Starts the notebook page: theme, kernel and session (app-wiring), then the shell on top of them. */
import { restoreTheme } from '@rondo/ui'
import '@rondo/ui/styles.css'
import './styles/code.css'
import './styles/notebook.css'
import './styles/narrow.css'
import './styles/overlays.css'
import { render } from 'preact'
import { createWiring } from './app-wiring.tsx'
import { EXAMPLES } from './examples.ts'
import { App } from './shell/app.tsx'
import { LiveRunPanel } from './shell/live-run-panel.tsx'

restoreTheme()
const wiring = createWiring()
addEventListener('pagehide', (event) => {
  // A page that goes to the back-forward cache comes back with everything alive.
  if (!event.persisted) wiring.dispose()
})
const root = document.getElementById('app')
if (root !== null) {
  render(
    <App
      port={wiring.kernel}
      examples={EXAMPLES}
      devices={<wiring.Devices />}
      notice={<wiring.Notice />}
      runPanel={(cellId) => <LiveRunPanel view={wiring.runPanel(cellId)} />}
    />,
    root,
  )
}
