/**
 * What a notebook from elsewhere may try: every payload would set `window.hacked`, reach another machine or cover
 * the page. Used by the test that looks whether any of them did.
 */
import { MIME } from '@rondo/kernel/output'
import type { CellOutput } from '../model/notebook.ts'

/** A host that no test reaches; requests to it are counted. */
const AWAY = 'https://evil.example'

const HTML = [
  `<script>window.hacked = 'script'</script>`,
  `<img src=x onerror="window.hacked = 'onerror'">`,
  `<svg><script>window.hacked = 'svg script'</script><animate onbegin="window.hacked='animate'" attributeName=x dur=1s></svg>`,
  `<svg><use href="${AWAY}/x.svg#a"/><image href="${AWAY}/i.png"/></svg>`,
  `<iframe srcdoc="<script>parent.hacked = 'iframe'</script>"></iframe>`,
  `<object data="${AWAY}/o"></object><embed src="${AWAY}/e">`,
  `<link rel="stylesheet" href="${AWAY}/s.css"><base href="${AWAY}/">`,
  `<meta http-equiv="refresh" content="0;url=${AWAY}">`,
  `<style>@import url(${AWAY}/i.css); body { display: none !important }</style>`,
  `<style>:host { position: fixed !important; inset: 0; } .devcover { position: fixed; inset: 0; z-index: 9999 }</style>`,
  `<div class="cover" style="position:fixed;inset:0;z-index:9999;background:red">cover</div>`,
  `<p style="background:url(${AWAY}/b.png)">tracked</p><p style="background:u\\72l(${AWAY}/c.png)">tracked</p>`,
  `<a id="link-js" href="javascript:window.hacked='href'">click me</a>`,
  `<a id="link-js2" href=" &#106;avascript:window.hacked='href2'">click me</a>`,
  `<a id="link-away" href="${AWAY}/page" target="_self">away</a>`,
  `<form action="${AWAY}"><input name="token" autofocus onfocus="window.hacked='focus'"><button>send</button></form>`,
  `<details open ontoggle="window.hacked='toggle'"><summary>open</summary></details>`,
  `<video poster="${AWAY}/v.png" src="http://evil.example/v.mp4"></video>`,
  `<img src="http://evil.example/plain.png" srcset="http://evil.example/p2.png 2x">`,
  `<div id="app" name="location">clobber</div>`,
  `<p>harmless <b>text</b></p>`,
]

const value = (data: Record<string, unknown>): CellOutput => ({ kind: 'display', data, metadata: {}, displayId: null })

/** Nests what parsers disagree about; it would swallow what stands after it. */
const MUTATING = `<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=window.hacked='mxss'&gt;">`

export const HOSTILE: CellOutput[] = [
  value({ 'text/plain': 'mutating html', 'text/html': MUTATING }),
  value({ 'text/plain': 'html', 'text/html': HTML.join('\n') }),
  value({
    'text/plain': 'markdown',
    'text/markdown': `**bold** <img src=x onerror="window.hacked='md'"> [x](javascript:window.hacked='mdlink')\n\n![i](http://evil.example/md.png)`,
  }),
  value({
    'text/plain': 'svg',
    'image/svg+xml': `<svg xmlns="http://www.w3.org/2000/svg" onload="window.hacked='svgload'"><a href="javascript:window.hacked='svga'"><text y="20">svg</text></a><foreignObject><img src="x" onerror="window.hacked='foreign'"/></foreignObject></svg>`,
  }),
  value({ 'text/plain': 'no scripts', 'application/javascript': `window.hacked = 'javascript output'` }),
  value({
    'text/plain': 'a plot with a link',
    [MIME.plot]: {
      options: { height: 60 },
      marks: [{ name: 'dot', args: [[{ x: 1, h: `javascript:window.hacked='plot'` }], { x: 'x', href: 'h' }] }],
    },
  }),
  value({ 'text/plain': 'no such mark', [MIME.plot]: { options: {}, marks: [{ name: 'constructor', args: [] }] } }),
  value({ 'text/plain': 'a broken table', [MIME.table]: { columns: 'x', rows: 7 } }),
  value({ 'text/plain': 'a broken inspector', [MIME.inspect]: { children: [null] } }),
  value({ 'text/plain': 'a broken run', [MIME.run]: { version: 1 } }),
  value({ 'text/plain': 'a broken picture', 'image/png': '"><script>window.hacked=1</script>' }),
  value({ 'application/vnd.jupyter.widget-view+json': { model_id: 'a' } }),
  { kind: 'stream', name: 'stdout', text: '<script>window.hacked = "stream"</script>\n' },
  { kind: 'error', name: '<img src=x onerror=window.hacked=1>', message: 'x', traceback: ['<b>t</b>'], error: null },
]
