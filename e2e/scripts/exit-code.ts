/** Rank 0 ends with the exit code given as the first argument. */
import { exit, Fabric } from 'rondo'

export default async function main(args: string[]): Promise<void> {
  const fabric = new Fabric()
  await fabric.launch()
  if (fabric.isGlobalZero) exit(Number(args[0]))
  await fabric.barrier('never reached by rank 0')
}
