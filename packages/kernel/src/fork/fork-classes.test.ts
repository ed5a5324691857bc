/** Classes of the notebook in ranks: code, static state, instances. */
import { describe, expect, it } from 'vitest'
import { revive, TestNotebook } from './testing/notebook.ts'

describe('forked classes', () => {
  it('keep inheritance, fields, statics, accessors and private members', async () => {
    const notebook = new TestNotebook()
    await notebook.run(`
      const width = 4
      class Layer {
        static made = 0
        static #secret = 'hidden'
        static get secret() { return Layer.#secret }
        units = width
        #weights = [1, 2]
        constructor() { Layer.made++ }
        get size() { return this.units * this.#weights.length }
        static create() { return new this() }
      }
    `)
    await notebook.run(
      'class Dense extends Layer { units = super.size + 1; call(x: number): number { return x + this.units } }',
    )
    await notebook.run('new Layer(); Layer.made')
    await notebook.run(`function train(x) {
      const dense = Dense.create()
      return [dense.call(x), dense.size, dense instanceof Layer, Layer.made, Dense.secret, Dense.name]
    }`)
    expect(await notebook.launch('train', [1])).toEqual([10, 18, true, 2, 'hidden', 'Dense'])
  })

  it('evaluate in the order in which they need each other, whatever their methods use', async () => {
    const notebook = new TestNotebook()
    await notebook.run(`
      const table = new Map([['start', { value: 7 }]])
      class Base { static start = table.get('start').value; peer() { return Derived.kind } }
      class Derived extends Base { static kind = Base.start + 1; base() { return new Base().peer() } }
      const instance = new Derived()
      function train() { return [instance.base(), Derived.start, instance instanceof Base] }
    `)
    expect(await notebook.launch('train')).toEqual([8, 7, true])
  })

  it('keep instances in values and arguments, without running constructors', async () => {
    const notebook = new TestNotebook()
    await notebook.run(`
      class Model {
        layers = new Map()
        constructor(name) { if (name === undefined) throw new Error('constructed again'); this.name = name }
        get title() { return 'Model ' + this.name }
      }
      class Scores extends Array { total() { return this.reduce((a, b) => a + b, 0) } }
      class Wrong extends Error { detail = 5 }
      const model = new Model('a'); model.layers.set('self', model)
      const scores = Scores.from([1, 2, 3])
      function train(given) {
        return [model.title, model.layers.get('self') === model, given === model, scores.total(), scores instanceof Scores,
          wrong instanceof Wrong, wrong.message, wrong.detail]
      }
      const wrong = new Wrong('w')
    `)
    const model = notebook.scope.values['model']
    expect(await notebook.launch('train', [model])).toEqual(['Model a', true, true, 6, true, true, 'w', 5])
  })

  it('extend classes of modules', async () => {
    class Module {
      declare hooks: string[]
      on(name: string) {
        this.hooks = [...(this.hooks ?? []), name]
        return this
      }
    }
    const notebook = new TestNotebook({ lib: { Module } })
    await notebook.run(`
      import { Module } from 'lib'
      class Mine extends Module { lr = 0.1 }
      const mine = new Mine().on('start')
      const train = () => [mine.on('end').hooks, mine.lr, mine instanceof Module]
    `)
    expect(await notebook.launch('train')).toEqual([['start', 'end'], 0.1, true])
  })

  it('give results back to the class of the same name', async () => {
    const { decodeValue, encodeValue } = await import('./codec.ts')
    const notebook = new TestNotebook()
    await notebook.run('class Result { accuracy = 0.9; text() { return this.accuracy * 100 + " %" } }')
    await notebook.run('function train() { return new Result() }')
    const { fn, scope } = await revive(await notebook.fork('train'))
    const bytes = await encodeValue(fn(), { names: scope.values })
    const result = (await decodeValue(bytes, { names: notebook.scope.values })) as { text(): string }
    expect(result.text()).toBe('90 %')
    expect(result.constructor).toBe(notebook.scope.values['Result'])
  })
})
