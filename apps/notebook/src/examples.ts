/** The notebooks that the first page offers, loaded when one is started. Their text lies in ../examples. */
import type { Example } from './shell/home.tsx'

declare global {
  interface ImportMeta {
    /** Vite's own, resolved when the page is built: the files that match, each as a function that loads its text. */
    glob(pattern: string, options: { query: '?raw'; import: 'default' }): Record<string, () => Promise<string>>
  }
}

const ABOUT: readonly Omit<Example, 'load'>[] = [
  {
    id: 'mnist',
    title: 'MNIST in six cells',
    about: 'Reads handwritten digits on two ranks at once, then predicts with the model that comes back.',
  },
  {
    id: 'char-transformer',
    title: 'A transformer on text',
    about: 'Learns a text letter by letter and writes on in its manner.',
  },
  {
    id: 'spiral',
    title: 'Three spiral arms',
    about: 'A small classifier whose decision surface is drawn while it trains.',
  },
]

const files = import.meta.glob('../examples/*.ipynb', { query: '?raw', import: 'default' })

export const EXAMPLES: readonly Example[] = ABOUT.flatMap((about) => {
  const load = files[`../examples/${about.id}.ipynb`]
  return load === undefined ? [] : [{ ...about, load }]
})
