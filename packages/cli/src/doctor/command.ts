/** `rondo doctor`: looks at everything a run needs and says what works here, line by line. */
import { RondoError } from '@rondo/protocol'
import { splitArguments } from '../args/split.ts'
import { findBrowser } from '../browser/find.ts'
import { machineSearch } from '../browser/install.ts'
import { examineBrowser } from './browser.ts'
import { checkNetwork, checkNode, checkPackages, checkPort } from './machine.ts'
import { type Finding, findingLines } from './report.ts'

/** @returns 1 if something that training needs does not work, else 0 */
export async function doctorCommand(words: readonly string[]): Promise<number> {
  const { values, script } = splitArguments(words, {
    browser: { kind: 'text', placeholder: 'PATH', help: 'the browser to examine' },
  })
  if (script !== undefined) {
    throw new RondoError(
      'BAD_ARGUMENT',
      `rondo doctor takes no "${script}". Allowed is --browser PATH; leave the rest out.`,
    )
  }
  let failed = false
  const say = (finding: Finding): void => {
    failed ||= finding.status === 'fail'
    console.log(findingLines(finding))
  }
  say(checkNode())
  say(checkPackages())
  say(await checkPort())
  say(checkNetwork())
  try {
    const search = machineSearch(console.log, false)
    await examineBrowser(await findBrowser(values.get('browser') as string | undefined, search), say)
  } catch (thrown) {
    if (!(thrown instanceof RondoError)) throw thrown
    say({ name: 'browser', status: 'fail', text: thrown.message })
  }
  console.log(failed ? '\nSomething that training needs does not work here.' : '\nTraining works here.')
  return failed ? 1 : 0
}
