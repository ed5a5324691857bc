/** Follows one of the reference curves: `--net mlp` or `--net cnn`. */
import * as tf from '@tensorflow/tfjs'
import { Fabric } from 'rondo'
import { followCurve, type ParityCurve, type ParityResult } from '../../packages/fabric/src/testing/parity.ts'
import cnn from '../fixtures/parity/cnn-adam.json'
import mlp from '../fixtures/parity/mlp-sgd.json'

export default async function main(args: string[]): Promise<ParityResult> {
  const curves: Record<string, unknown> = { mlp, cnn }
  const fabric = new Fabric()
  await fabric.launch()
  return followCurve(tf, fabric, curves[args[1] ?? 'mlp'] as ParityCurve)
}
