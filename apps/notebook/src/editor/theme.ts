/** The editor's look, from the page's tokens: light and dark follow them by themselves. */
import { HighlightStyle, syntaxHighlighting } from '@codemirror/language'
import type { Extension } from '@codemirror/state'
import { EditorView } from '@codemirror/view'
import { tags } from '@lezer/highlight'

const colours = HighlightStyle.define([
  {
    tag: [tags.keyword, tags.modifier, tags.operatorKeyword, tags.self, tags.null, tags.bool],
    color: 'var(--code-keyword)',
  },
  { tag: [tags.string, tags.special(tags.string), tags.regexp], color: 'var(--code-string)' },
  { tag: [tags.number, tags.atom], color: 'var(--code-number)' },
  { tag: [tags.comment, tags.meta], color: 'var(--code-comment)', fontStyle: 'italic' },
  { tag: [tags.function(tags.variableName), tags.function(tags.propertyName)], color: 'var(--code-function)' },
  { tag: [tags.typeName, tags.className, tags.namespace], color: 'var(--code-type)' },
  { tag: [tags.heading], fontWeight: '600', color: 'var(--code-keyword)' },
  { tag: [tags.strong], fontWeight: '600' },
  { tag: [tags.emphasis], fontStyle: 'italic' },
  { tag: [tags.link, tags.url], color: 'var(--accent)' },
  { tag: [tags.monospace], color: 'var(--code-string)' },
  { tag: tags.invalid, color: 'var(--fail)' },
])

const chrome = EditorView.theme({
  '&': { fontSize: 'var(--text-13)', color: 'var(--text)', backgroundColor: 'transparent' },
  '&.cm-focused': { outline: 'none' },
  '.cm-scroller': { fontFamily: 'var(--font-mono)', lineHeight: 'var(--code-line)', overflowX: 'auto' },
  '.cm-content': { padding: 'var(--code-pad) 0', caretColor: 'var(--text)' },
  '.cm-line': { padding: '0 var(--space-3)' },
  '.cm-cursor': { borderLeftColor: 'var(--text)', borderLeftWidth: '2px' },
  '.cm-selectionBackground': { background: 'var(--code-selection)' },
  '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground': { background: 'var(--code-selection)' },
  '.cm-selectionMatch': { background: 'var(--accent-soft)' },
  '&.cm-focused .cm-matchingBracket': { background: 'var(--accent-soft)', outline: '1px solid var(--line-strong)' },
  '&.cm-focused .cm-nonmatchingBracket': { color: 'var(--fail)', background: 'none' },
  '.cm-gutters': { background: 'none', border: 'none', color: 'var(--text-soft)', fontFamily: 'var(--font-mono)' },
  '.cm-lineMark': { background: 'var(--fail-soft)', boxShadow: 'inset 2px 0 var(--fail)' },
  '.cm-columnMark': { textDecoration: 'underline wavy var(--fail) 1px', textUnderlineOffset: '3px' },
  '.cm-panels': { background: 'var(--sunken)', color: 'var(--text)', borderColor: 'var(--line)' },
  '.cm-panel.cm-search': { padding: 'var(--space-2)', fontFamily: 'var(--font-sans)' },
  '.cm-panel.cm-search input, .cm-panel.cm-search button': { fontSize: 'var(--text-12)', minHeight: '24px' },
  '.cm-textfield': {
    border: '1px solid var(--line-strong)',
    borderRadius: '4px',
    background: 'var(--surface)',
    color: 'var(--text)',
  },
  '.cm-button': {
    border: '1px solid var(--line-strong)',
    borderRadius: '4px',
    background: 'var(--surface)',
    backgroundImage: 'none',
    color: 'var(--text)',
  },
  '.cm-searchMatch': { background: 'var(--warn-soft)', outline: '1px solid var(--warn)' },
  '.cm-tooltip': {
    border: '1px solid var(--line)',
    borderRadius: 'var(--radius)',
    background: 'var(--surface)',
    color: 'var(--text)',
    boxShadow: '0 4px 16px var(--shadow)',
  },
  '.cm-tooltip.cm-tooltip-autocomplete > ul': {
    fontFamily: 'var(--font-mono)',
    fontSize: 'var(--text-12)',
    maxHeight: '14em',
  },
  '.cm-tooltip-autocomplete > ul > li': {
    padding: '3px 8px',
    display: 'flex',
    justifyContent: 'space-between',
    gap: '16px',
  },
  '.cm-tooltip-autocomplete ul li[aria-selected]': { background: 'var(--accent-soft)', color: 'var(--text)' },
  '.cm-completionDetail': {
    color: 'var(--text-soft)',
    fontStyle: 'normal',
    overflow: 'hidden',
    textOverflow: 'ellipsis',
  },
  '.cm-completionMatchedText': { textDecoration: 'none', fontWeight: '600' },
  '.cm-signature': {
    padding: '4px 8px',
    fontFamily: 'var(--font-mono)',
    fontSize: 'var(--text-12)',
    maxWidth: '480px',
    whiteSpace: 'pre-wrap',
  },
})

export const editorTheme: Extension = [chrome, syntaxHighlighting(colours)]
