/**
 * The types that a script sees: what verbs take and give, and what they refuse before anything runs. The compiler does
 * the checking (`npm test` compiles tests too); a line under `@ts-expect-error` that compiles is an error. Not for:
 * behaviour.
 */
import { describe, expectTypeOf, it } from 'vitest'
import {
  Accuracy,
  type Batch,
  Callback,
  ConfusionMatrix,
  column,
  DataLoader,
  DataModule,
  env,
  Fabric,
  type FabricDataLoader,
  type FabricModel,
  type FabricOptimizer,
  InMemoryDataset,
  LambdaLR,
  Metric,
  ModelCheckpoint,
  notebookLauncher,
  parseDevices,
  RondoModule,
  StepLR,
  sgd,
  Trainer,
  type TrainerOptions,
} from './index.ts'

/** Compiled, never called: the calls below would need ranks and a device. */
const typed = (_use: () => unknown): void => {}

declare const model: ConstructorParameters<typeof FabricModel>[0]
const pairs = new InMemoryDataset([column(new Float32Array(4), [4, 1]), column(new Int32Array(4), [4])])

describe('types of Fabric', () => {
  const fabric = new Fabric()

  it('gives as many as it was given', () => {
    typed(async () => {
      expectTypeOf(await fabric.setup(model)).toExtend<FabricModel>()
      const [one, first, second] = await fabric.setup(model, sgd({ learningRate: 1 }), sgd({ learningRate: 1 }))
      expectTypeOf(one).toExtend<FabricModel>()
      expectTypeOf(first).toEqualTypeOf<FabricOptimizer>()
      expectTypeOf(second).toEqualTypeOf<FabricOptimizer>()
      const loader = await fabric.setupDataLoaders(new DataLoader(pairs))
      expectTypeOf(loader).toExtend<FabricDataLoader>()
    })
  })

  it('gives what the launched function gives, and takes its arguments', () => {
    const train = async (_fabric: Fabric, epochs: number, name: string) => ({ epochs, name })
    typed(async () => {
      expectTypeOf(await fabric.launch(train, 3, 'a')).toEqualTypeOf<{ epochs: number; name: string }>()
      // @ts-expect-error the second argument is a text
      await fabric.launch(train, 3, 4)
      // @ts-expect-error an argument is missing
      await fabric.launch(train, 3)
      // @ts-expect-error not the call, the function
      await fabric.launch(train(fabric, 1, ''))
      expectTypeOf(await fabric.launch()).toEqualTypeOf<void>()
    })
  })

  it('takes a function for the loss, and gives a number', () => {
    typed(async () => {
      expectTypeOf(await fabric.backward(() => null as never)).toEqualTypeOf<number>()
      // @ts-expect-error a value carries no graph
      await fabric.backward(0.5)
    })
  })

  it('keeps the type of what travels', () => {
    typed(async () => {
      expectTypeOf(await fabric.broadcast({ lr: 1, tags: ['a'] })).toEqualTypeOf<{ lr: number; tags: string[] }>()
      expectTypeOf(await fabric.allReduce({ hits: 3 }, { op: 'sum' })).toEqualTypeOf<{ hits: number }>()
      // @ts-expect-error there is no such operation
      await fabric.allReduce(3, { op: 'median' })
    })
  })

  it('knows its options', () => {
    typed(() => new Fabric({ devices: '0,2', precision: 16, strategy: 'ddp', accelerator: 'auto', numNodes: 1 }))
    // @ts-expect-error devices is a count, a list or a text
    typed(() => new Fabric({ devices: true }))
    // @ts-expect-error the option is numNodes
    typed(() => new Fabric({ num_nodes: 2 }))
  })
})

describe('types of the Trainer', () => {
  it('checks the steps of a module', () => {
    class Net extends RondoModule {
      confusion = new ConfusionMatrix({ numClasses: 3 })
      override validationStep(batch: Batch<[never, never]>): void {
        expectTypeOf(batch).toHaveProperty('0')
        this.log('accuracy', new Accuracy({ numClasses: 3 }), { onEpoch: true })
        // @ts-expect-error reduceFx is mean, sum, min or max
        this.log('loss', 1, { reduceFx: 'median' })
        // @ts-expect-error a text is no value
        this.log('loss', 'low')
      }
    }
    expectTypeOf(new Net().confusion.compute()).resolves.toEqualTypeOf<number[][]>()
  })

  it('checks arguments and what verbs give', () => {
    typed(async () => {
      const trainer = new Trainer({ maxEpochs: 3, devices: 2, callbacks: [new ModelCheckpoint()] })
      expectTypeOf(await trainer.fit(new RondoModule(), new DataLoader(pairs))).toEqualTypeOf<void>()
      expectTypeOf(await trainer.test(new RondoModule())).toEqualTypeOf<Record<string, number>[]>()
      expectTypeOf(await trainer.predict(new RondoModule(), new DataModule())).toEqualTypeOf<unknown[]>()
    })
    // @ts-expect-error a number of epochs is a number
    typed(() => new Trainer({ maxEpochs: '3' }))
    // @ts-expect-error there is no such argument
    typed(() => new Trainer({ maxEpoch: 3 }))
    expectTypeOf<TrainerOptions['maxEpochs']>().toEqualTypeOf<number | undefined>()
  })

  it('lets callbacks be classes and plain objects', () => {
    class Mine extends Callback {
      override onTrainStart(trainer: Trainer, module: RondoModule): void {
        expectTypeOf(trainer.globalStep).toEqualTypeOf<number>()
        expectTypeOf(module).toEqualTypeOf<RondoModule>()
      }
    }
    typed(() => new Trainer({ callbacks: [new Mine(), { onFitEnd: (trainer) => console.log(trainer.currentEpoch) }] }))
    // @ts-expect-error the class is no instance
    typed(() => new Trainer({ callbacks: [Mine] }))
  })
})

describe('types of the small things', () => {
  it('knows variables as texts and arguments as a list', () => {
    expectTypeOf(env.RANK).toEqualTypeOf<string | undefined>()
    expectTypeOf(env.argv).toEqualTypeOf<readonly string[]>()
    typed(() => {
      // @ts-expect-error frozen
      env.RANK = '3'
    })
  })

  it('gives schedulers, devices and launched values their types', () => {
    typed(() => new StepLR(sgd({ learningRate: 1 }), { stepSize: 2 }))
    // @ts-expect-error the size of a step is not optional
    typed(() => new StepLR(sgd({ learningRate: 1 }), {}))
    typed(() => new LambdaLR(sgd({ learningRate: 1 }), (count: number) => 1 / (1 + count)))
    expectTypeOf(parseDevices('0,1', 4)).toEqualTypeOf<number[]>()
    typed(async () => {
      expectTypeOf(await notebookLauncher(async (n: number) => n * 2, [3])).toEqualTypeOf<number>()
      // @ts-expect-error the function takes a number
      await notebookLauncher(async (n: number) => n * 2, ['3'])
    })
    class Own extends Metric<[number, number]> {
      protected valueOf(): [number, number] {
        return [0, 1]
      }
    }
    expectTypeOf(new Own().compute()).resolves.toEqualTypeOf<[number, number]>()
  })
})
