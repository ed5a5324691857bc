/** As `rondo exec` opens it: what stands before launch() runs on rank 0 alone, then on each of the others. */
import { env, Fabric } from 'rondo'

const fabric = new Fabric({ devices: 2 })
console.log(`before launch: world ${fabric.worldSize}, arguments ${env.argv.join(' ')}`)
await fabric.launch()
const ranks = await fabric.allReduce(fabric.globalRank + 1, { op: 'sum' })
console.log(
  `after launch: rank ${env['RANK']} of ${env['WORLD_SIZE']}, sum ${ranks}, by rondo run: ${env['LT_CLI_USED'] ?? 'no'}`,
)
