/**
 * Where a verb's loaders come from: its arguments, a data module, or the module itself; checked and made a list. Not
 * for: dealing samples to ranks (batches.ts).
 */
import { DataLoader } from '@rondo/data'
import { RondoError } from '@rondo/protocol'
import { DataModule } from '../module/data-module.ts'
import type { RondoModule } from '../module/module.ts'

/** A loader, or several for evaluation. */
export type LoaderSource = DataLoader | readonly DataLoader[]

export type LoaderHook = 'trainDataloader' | 'valDataloader' | 'testDataloader' | 'predictDataloader'

/** What a verb was called with. */
export interface VerbData {
  train?: LoaderSource | undefined
  /** The loaders of validate, test or predict, or fit's validation. */
  evaluation?: LoaderSource | undefined
  dataModule?: DataModule | undefined
  ckptPath?: string | undefined
}

/** Options in the place of positional loaders. */
export interface DataOptions {
  trainDataloaders?: LoaderSource
  valDataloaders?: LoaderSource
  dataloaders?: LoaderSource
  datamodule?: DataModule
  /** Weights to load first: a file of the run, `"best"` or `"last"`. */
  ckptPath?: string
}

/** A loader, several, a data module, or options that name these. */
export type DataArgument = LoaderSource | DataModule | DataOptions

const OPTION_NAMES = ['trainDataloaders', 'valDataloaders', 'dataloaders', 'datamodule', 'ckptPath']

/**
 * Sorts out positional arguments and options.
 * @throws BAD_ARGUMENT for what is no loader, no data module and no such option
 */
export function readData(verb: string, first: DataArgument | undefined, second?: LoaderSource | DataOptions): VerbData {
  const data: VerbData = {}
  const place = verb === 'fit' ? 'train' : 'evaluation'
  for (const [index, argument] of [first, second].entries()) {
    if (argument === undefined || argument === null) continue
    if (isLoaders(argument)) {
      data[index === 0 ? place : 'evaluation'] = argument
    } else if (argument instanceof DataModule || isDataModule(argument)) {
      data.dataModule = argument as DataModule
    } else if (typeof argument === 'object' && Object.keys(argument).every((key) => OPTION_NAMES.includes(key))) {
      const options = argument as DataOptions
      data.train = options.trainDataloaders ?? data.train
      data.evaluation = options.valDataloaders ?? options.dataloaders ?? data.evaluation
      data.dataModule = options.datamodule ?? data.dataModule
      data.ckptPath = options.ckptPath ?? data.ckptPath
    } else {
      throw new RondoError(
        'BAD_ARGUMENT',
        `trainer.${verb}(model, data): data is ${describe(argument)}; allowed are a DataLoader, a list of them, a DataModule, or { ${OPTION_NAMES.join(', ')} }. Wrap a data set: new DataLoader(dataset, { batchSize: 32 }).`,
      )
    }
  }
  if (data.dataModule && (data.train || data.evaluation)) {
    throw new RondoError(
      'CONFLICT',
      `trainer.${verb}(): a data module and loaders are given together; the data module brings loaders itself. Pass one of the two.`,
    )
  }
  return data
}

/** The loaders of a loop; an empty list when nobody gives any. */
export async function loadersFor(
  hook: LoaderHook,
  given: LoaderSource | undefined,
  module: RondoModule,
  dataModule: DataModule | undefined,
): Promise<DataLoader[]> {
  const source = given ?? (await (dataModule?.[hook] ? dataModule[hook]() : module[hook]?.()))
  if (source === undefined || source === null) return []
  const list = Array.isArray(source) ? (source as readonly DataLoader[]) : [source as DataLoader]
  const wrong = list.find((loader) => !(loader instanceof DataLoader))
  if (wrong === undefined) return [...list]
  throw new RondoError(
    'BAD_ARGUMENT',
    `${hook}() gave ${describe(wrong)}; allowed are DataLoader objects. Wrap the data set: new DataLoader(dataset, { batchSize: 32 }).`,
  )
}

function isLoaders(value: unknown): value is LoaderSource {
  if (value instanceof DataLoader) return true
  return Array.isArray(value) && value.length > 0 && value.every((item) => item instanceof DataLoader)
}

/** An object with a method that makes loaders, whatever its class. */
function isDataModule(value: object): boolean {
  const hooks: LoaderHook[] = ['trainDataloader', 'valDataloader', 'testDataloader', 'predictDataloader']
  return hooks.some((hook) => typeof (value as Record<string, unknown>)[hook] === 'function')
}

function describe(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list of other things'
  if (typeof value !== 'object' || value === null) return `a ${typeof value}`
  return `a ${value.constructor?.name ?? 'plain object'} with ${Object.keys(value).slice(0, 5).join(', ') || 'no fields'}`
}
