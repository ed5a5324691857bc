/** Markdown for the editor, loaded when a Markdown cell is first edited. Code blocks in it are TypeScript. */
import { javascriptLanguage } from '@codemirror/lang-javascript'
import { markdown } from '@codemirror/lang-markdown'
import type { Extension } from '@codemirror/state'
import { EditorView } from '@codemirror/view'

export const MARKDOWN: Extension = [markdown({ defaultCodeLanguage: javascriptLanguage }), EditorView.lineWrapping]
