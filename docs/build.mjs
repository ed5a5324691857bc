/**
 * `npm run docs`: the reference of all that `rondo` exports, with the guide, as pages in dist/api. With `--check` nothing
 * is written: it fails if something public has no sentence that says what it is, or a link leads nowhere. Options are in
 * typedoc.json. Not for: the texts themselves (guide/, and the comments in the sources).
 */
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Application, TSConfigReader, TypeDocReader } from 'typedoc'

const HERE = dirname(fileURLToPath(import.meta.url))
const OUT = join(HERE, '..', 'dist', 'api')

const app = await Application.bootstrapWithPlugins({ options: join(HERE, 'typedoc.json') }, [
  new TypeDocReader(),
  new TSConfigReader(),
])
const project = await app.convert()
if (project !== undefined) {
  app.validate(project)
  if (!process.argv.includes('--check')) await app.generateDocs(project, OUT)
}
const failed = project === undefined || app.logger.hasErrors() || app.logger.hasWarnings()
if (failed)
  console.error('Say in a comment what each of these is, above its declaration, and run "npm run docs" again.')
else if (!process.argv.includes('--check')) console.log(`The reference is there: open ${join(OUT, 'index.html')}`)
process.exitCode = failed ? 1 : 0
