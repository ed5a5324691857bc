/**
 * HTML and SVG from a notebook, made harmless: no scripts, no event handlers, no forms, nothing that loads from
 * elsewhere unless the reader trusts the notebook, links in a tab of their own. Built on DOMPurify and loaded only
 * when there is something to clean. Not for: putting it on the page (rich-view.tsx).
 */
import createDOMPurify, { type Config } from 'dompurify'

/** What pictures may be loaded from: trusted notebooks also show pictures of https addresses. */
export interface SanitizeOptions {
  trusted: boolean
  /** `<style>` is kept only where it can reach nothing outside: in a shadow tree. */
  styles: boolean
}

/** Attributes through which an element loads something by itself. `href` is one on everything but links. */
const LOADING_ATTRIBUTES = ['src', 'srcset', 'poster', 'background', 'href', 'xlink:href', 'data'] as const
/** Ways of CSS to load something, to hide that it does (backslashes), or to style the box around the output. */
const REFUSED_CSS = /:host|url\s*\(|image-set\s*\(|image\s*\(|src\s*\(|@import|@font-face|\\/i
const FORBIDDEN = [
  'form',
  'input',
  'button',
  'textarea',
  'select',
  'option',
  'dialog',
  'base',
  'meta',
  'link',
  'template',
]

const purify = createDOMPurify(window)
let options: SanitizeOptions = { trusted: false, styles: false }

purify.addHook('uponSanitizeElement', (node, { tagName }) => {
  if (tagName === 'style' && (!options.styles || REFUSED_CSS.test(node.textContent ?? ''))) {
    node.parentNode?.removeChild(node)
  }
})

purify.addHook('afterSanitizeAttributes', (element) => {
  if (REFUSED_CSS.test(element.getAttribute('style') ?? '')) element.removeAttribute('style')
  const isLink = element.localName === 'a' || element.localName === 'area'
  for (const name of LOADING_ATTRIBUTES) {
    const value = element.getAttribute(name)
    if (value === null || (isLink && (name === 'href' || name === 'xlink:href'))) continue
    if (!mayLoad(name, value)) {
      element.removeAttribute(name)
      if (element.localName === 'img' && name === 'src') element.setAttribute('alt', blockedText(element, value))
    }
  }
  if (element.localName === 'img' && !element.hasAttribute('alt')) element.setAttribute('alt', 'picture')
  if (isLink) openElsewhere(element)
})

/** A cleaned fragment, ready to be put on the page. */
export function sanitizeHtml(html: string, wanted: SanitizeOptions): DocumentFragment {
  options = wanted
  return purify.sanitize(html, CONFIG) as unknown as DocumentFragment
}

const CONFIG: Config = {
  RETURN_DOM_FRAGMENT: true,
  FORBID_TAGS: FORBIDDEN,
  FORBID_ATTR: ['action', 'formaction', 'ping', 'autofocus', 'contenteditable', 'accesskey', 'tabindex'],
  // Names and ids of a notebook get a prefix, so that they never shadow the page's own.
  SANITIZE_NAMED_PROPS: true,
  ADD_ATTR: ['target'],
  FORCE_BODY: true,
}

/** data: and blob: pictures always, this origin always, https when trusted; fragments stay in the document. */
function mayLoad(name: string, value: string): boolean {
  if (name === 'srcset') {
    return value.split(/\s*,\s+/).every((candidate) => mayLoad('src', candidate.trim().split(/\s+/)[0] ?? ''))
  }
  if (value.startsWith('#')) return true
  if (!URL.canParse(value, location.href)) return false
  const url = new URL(value, location.href)
  if (url.protocol === 'data:') return /^data:(image|audio|video)\//i.test(value)
  if (url.protocol === 'blob:' || url.origin === location.origin) return true
  return options.trusted && url.protocol === 'https:'
}

function blockedText(element: Element, value: string): string {
  const host = URL.canParse(value, location.href) ? new URL(value, location.href).host : ''
  const what = element.getAttribute('alt') ?? ''
  return `${what === '' ? 'picture' : what} (not loaded${host === '' ? '' : ` from ${host}`})`
}

/** Links inside the notebook stay in it; all others open in a tab that knows nothing of this one. */
function openElsewhere(link: Element): void {
  const target = link.getAttribute('href') ?? link.getAttribute('xlink:href') ?? ''
  if (target.startsWith('#')) {
    link.removeAttribute('target')
    if (target.length > 1) link.setAttribute('href', `#user-content-${target.slice(1)}`)
    return
  }
  link.setAttribute('target', '_blank')
  link.setAttribute('rel', 'noopener noreferrer')
}
