/** Which flags wait for a value, and what it may be, over all commands. Pure. */
import type { CommandEntry } from '../commands.ts'

/** By flag: its choices; none for a value that a shell completes as a file name. Switches are left out. */
export function valuesOf(commands: Readonly<Record<string, CommandEntry>>): Record<string, readonly string[]> {
  const values: Record<string, readonly string[]> = {}
  for (const { flags } of Object.values(commands)) {
    for (const [name, flag] of Object.entries(flags)) {
      if (flag.kind !== 'switch') values[name] = flag.kind === 'choice' ? flag.choices : []
    }
  }
  return values
}
