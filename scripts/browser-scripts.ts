/**
 * Small browser programs for tests and benches, built in memory: each entry becomes one module at a stable
 * address, with shared chunks. Not for: the pages and the runtime that people get (vite.config.ts).
 */
import { join } from 'node:path'
import { build, type Rolldown } from 'vite'

const ROOT = join(import.meta.dirname, '..')

/** Entry `links-page` becomes `/links-page.js`. Returns source text by address; throws what the build says. */
export async function buildBrowserScripts(entries: Readonly<Record<string, string>>): Promise<Map<string, string>> {
  const result = (await build({
    configFile: false,
    logLevel: 'warn',
    root: ROOT,
    // As in vite.config.ts: the plain entry needs Node's globals.
    resolve: { alias: { 'simple-peer': join(ROOT, 'node_modules/simple-peer/simplepeer.min.js') } },
    build: {
      write: false,
      modulePreload: false,
      target: 'es2023',
      minify: false,
      rolldownOptions: {
        input: { ...entries },
        preserveEntrySignatures: 'strict',
        output: { entryFileNames: '[name].js', chunkFileNames: 'chunks/[name]-[hash].js' },
      },
    },
  })) as Rolldown.RolldownOutput
  return new Map(result.output.flatMap((file) => (file.type === 'chunk' ? [[`/${file.fileName}`, file.code]] : [])))
}
