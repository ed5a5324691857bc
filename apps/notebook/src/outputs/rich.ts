/** What HTML and Markdown need, as one module that loads with the first of them: neither costs an empty page a byte. */
export { markdownToHtml } from './markdown.ts'
export { sanitizeHtml } from './sanitize.ts'
