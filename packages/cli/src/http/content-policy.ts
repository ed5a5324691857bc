/**
 * Content-Security-Policy of the notebook: the page runs only our own scripts whatever an output contains, and
 * the kernel's worker runs cells but loads foreign modules only from the allowed hosts.
 */

/** The worker in which cells run; it has a policy of its own, because a worker does not inherit its page's. */
const KERNEL_PATH = '/runtime/notebook-kernel.js'

/** @returns the policy for what is served at `path`, or null where none applies */
export function contentPolicy(path: string, importHosts: readonly string[]): string | null {
  if (path === KERNEL_PATH)
    return KERNEL_POLICY.replace('HOSTS', importHosts.map((host) => `https://${host}`).join(' '))
  return path.startsWith('/notebook/') ? PAGE_POLICY : null
}

/** Cells are evaluated, and tfjs starts its WASM threads from a blob; where data comes from is the person's choice. */
const KERNEL_POLICY = [
  "default-src 'self'",
  "script-src 'self' 'unsafe-eval' 'wasm-unsafe-eval' blob: HOSTS",
  "worker-src 'self' blob:",
  'connect-src * data: blob:',
  'img-src * data: blob:',
].join('; ')

/** Styles are set by the editor and by plots, images come from outputs; scripts and frames never do. */
const PAGE_POLICY = [
  "default-src 'self'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data: blob: https:",
  "media-src 'self' data: blob: https:",
  "font-src 'self' data:",
  "connect-src 'self' ws: wss: http: https: data: blob:",
  "worker-src 'self' blob:",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')
