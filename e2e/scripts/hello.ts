/** Says what a rank sees: its numbers, its arguments, its environment. Top level only, no default function. */
import { env, Fabric } from 'rondo'

const fabric = new Fabric()
await fabric.launch()
console.log(`hello from rank ${fabric.globalRank} of ${fabric.worldSize}, arguments ${JSON.stringify(env.argv)}`)
const sum = await fabric.allReduce(fabric.globalRank + 1, { op: 'sum' })
const all = await fabric.broadcast({ from: fabric.globalRank, at: new Map([['k', 1]]) }, { src: fabric.worldSize - 1 })
fabric.print(`sum ${sum}, broadcast from ${all.from} with ${all.at.size} entry`)
