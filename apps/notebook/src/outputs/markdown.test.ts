import { describe, expect, it } from 'vitest'
import { markdownToHtml } from './markdown.ts'

describe('Markdown', () => {
  it('reads tables, task lists and headings that can be linked to', () => {
    const html = markdownToHtml('## My *results*\n\n| a | b |\n|---|--:|\n| 1 | 2 |\n\n- [x] done', null)
    expect(html).toContain('id="My-*results*"')
    expect(html).toContain('<td align="right">2</td>')
    expect(html).toContain('☑')
    expect(html).not.toContain('<input')
  })

  it('keeps formulas as they were typed', () => {
    expect(markdownToHtml('loss $L_i = a_1 * b_1 * c$ costs $5 and $6', null)).toBe(
      '<p>loss <code class="formula">$L_i = a_1 * b_1 * c$</code> costs $5 and $6</p>\n',
    )
  })

  it('finds attachments by name', () => {
    const attachments = { 'a b.png': { 'image/png': 'iVBORw0KGgo=' } }
    expect(markdownToHtml('![x](attachment:a%20b.png)', attachments)).toContain(
      'src="data:image/png;base64,iVBORw0KGgo="',
    )
    expect(markdownToHtml('![x](attachment:other.png)', attachments)).toContain('attachment:other.png')
  })
})
