/** What code in a rank may import: the same as in the notebook's kernel, from the same runtime. */
import { createImporter } from '../kernel/imports.ts'

/** @param token of the session, for files beside the notebook */
export function rankImporter(token: string): (specifier: string) => Promise<object> {
  return createImporter({
    origin: location.origin,
    token,
    rondo: () => import('rondo'),
    tfjs: () => import('@rondo/engine/tfjs'),
  })
}
