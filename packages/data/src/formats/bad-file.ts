/** The one way decoders refuse a file: its name, the byte where reading failed, and why. */
import { RondoError } from '@rondo/protocol'

/** Throws BAD_FILE; `details` carries `{ file, offset, reason }`. */
export function badFile(file: string, offset: number, reason: string, hint: string): never {
  throw new RondoError('BAD_FILE', `${file}: at byte ${offset}: ${reason}. ${hint}`, {
    details: { file, offset, reason },
  })
}
