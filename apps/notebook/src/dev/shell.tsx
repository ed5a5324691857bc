/** The notebook's shell on a tiny kernel, for looking at it and for tests of the page alone. Never built. */
import { restoreTheme } from '@rondo/ui'
import '@rondo/ui/styles.css'
import '../styles/code.css'
import '../styles/notebook.css'
import '../styles/narrow.css'
import '../styles/overlays.css'
import { render } from 'preact'
import { App } from '../shell/app.tsx'
import type { Example } from '../shell/home.tsx'
import { TinyKernel } from './tiny-kernel.ts'

const cells = [
  { cell_type: 'markdown', metadata: {}, source: '# A spiral\n\nTwo classes, *one* small network.' },
  { cell_type: 'code', metadata: {}, source: 'const points = 200\npoints * 2', outputs: [], execution_count: null },
  { cell_type: 'code', metadata: {}, source: "console.log('hello')", outputs: [], execution_count: null },
]
const EXAMPLES: readonly Example[] = [
  {
    id: 'spiral',
    title: 'Spiral',
    about: 'A classifier whose decision surface is drawn while it trains.',
    load: async () => JSON.stringify({ nbformat: 4, nbformat_minor: 5, metadata: {}, cells }),
  },
]

restoreTheme()
const root = document.getElementById('app')
if (root) render(<App port={new TinyKernel()} examples={EXAMPLES} />, root)
