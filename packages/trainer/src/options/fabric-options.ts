/**
 * What of a trainer's arguments Fabric reads. Not for: checking them, which Fabric does, here already when the trainer
 * is made.
 */
import { checkFabricOptions, type FabricOptions } from '@rondo/fabric'
import { averagesGradients, DdpStrategy, findsUnusedParameters, parseStrategyName } from '@rondo/strategies'
import type { ResolvedTrainerOptions, TrainerOptions } from './types.ts'

type Given = Pick<TrainerOptions, 'accelerator' | 'strategy' | 'devices' | 'numNodes' | 'precision'>

/** @param inRun ranks are here: a notebook's kernel passes a strategy by its name only */
export function fabricOptionsOf(given: Given, resolved: ResolvedTrainerOptions, inRun: boolean): FabricOptions {
  const { accelerator, strategy, devices, numNodes, precision } = given
  const { plugins, gradientAverage } = resolved
  const name = typeof strategy === 'string' ? parseStrategyName(strategy) : 'auto'
  const uniform = gradientAverage === 'uniform' && typeof strategy !== 'object' && averagesGradients(name)
  const chosen = uniform && inRun ? uniformStrategy(findsUnusedParameters(name)) : strategy
  return {
    ...(accelerator === undefined ? {} : { accelerator }),
    ...(chosen === undefined ? {} : { strategy: chosen }),
    ...(devices === undefined ? {} : { devices }),
    ...(numNodes === undefined ? {} : { numNodes }),
    ...(precision === undefined ? {} : { precision }),
    ...(plugins.length === 0 ? {} : { plugins }),
  }
}

/** Throws Fabric's refusals of them, before anything is started. */
export function checkFabricArguments(given: Given, resolved: ResolvedTrainerOptions): void {
  checkFabricOptions(fabricOptionsOf(given, resolved, true))
}

function uniformStrategy(findUnusedParameters: boolean): DdpStrategy {
  return new DdpStrategy({ gradientAverage: 'uniform', findUnusedParameters })
}
