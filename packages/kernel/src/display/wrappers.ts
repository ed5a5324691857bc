/** `html`, `markdown` and `svg` of cells: text that is shown as what it is. */

import { Displayed } from './describer.ts'

type Wrap = (text: TemplateStringsArray | string, ...values: unknown[]) => Displayed

/** Both a function and a template tag. Values are put in as they are: what is shown is cleaned by the page. */
function wrapper(name: string, mime: string): Wrap {
  return (text, ...values) => {
    const content = typeof text === 'string' ? text : Array.isArray(text) ? String.raw({ raw: text }, ...values) : null
    if (content === null) {
      throw new TypeError(`${name}(${typeof text}): it takes a string; use display(value) for other values`)
    }
    return new Displayed({ 'text/plain': content, [mime]: content })
  }
}

export const html = wrapper('html', 'text/html')
export const markdown = wrapper('markdown', 'text/markdown')
export const svg = wrapper('svg', 'image/svg+xml')
