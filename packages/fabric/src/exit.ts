/** Ending a rank on purpose with an exit code, as process.exit does for a terminal program. */
import { RondoError } from '@rondo/protocol'

/** Ends this rank, and with a code other than 0 the whole run; the code becomes that of `rondo run`. */
export function exit(code = 0): never {
  throw new RondoError('SCRIPT_FAILED', `The script ended itself with exit code ${code}.`, {
    details: { exitCode: code },
  })
}
