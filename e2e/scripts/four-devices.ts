/** Asks for its devices in code: `rondo run` without --devices must open them. */
import { Fabric } from 'rondo'

const fabric = new Fabric({ devices: 4 })
await fabric.launch()
fabric.print(`world ${fabric.worldSize}, sum ${await fabric.allReduce(1, { op: 'sum' })}`)
