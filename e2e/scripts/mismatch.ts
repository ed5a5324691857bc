/** Rank 1 calls another collective than the others: must be refused at once, naming both ranks and both. */
import { Fabric } from 'rondo'

const fabric = new Fabric()
await fabric.launch()
if (fabric.globalRank === 1) await fabric.allReduce(new Float32Array(4), { op: 'sum', name: 'apples' })
else await fabric.allReduce(new Float32Array(5), { op: 'sum', name: 'pears' })
