/** Finds a Python that has PyTorch, for the yardsticks. Not for: running it. */
import { spawnSync } from 'node:child_process'

/** Tried in turn: a person's own Python first, then the system's, where Debian's python3-torch lies. */
const PYTHONS = ['python3', '/usr/bin/python3']

/** Null, with a line that says so, where no Python has it: the bench then goes on without the comparison. */
export function findTorch(say: (line: string) => void): string | null {
  const python = PYTHONS.find((name) => spawnSync(name, ['-c', 'import torch']).status === 0)
  if (python !== undefined) return python
  say(`PyTorch is left out: none of ${PYTHONS.join(', ')} can import torch. On Debian: apt install python3-torch.`)
  return null
}
