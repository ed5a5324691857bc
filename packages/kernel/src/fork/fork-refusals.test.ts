/** What a launch refuses before anything starts: variable, path, kind, the function that needs it, a way out. */
import { describe, expect, it } from 'vitest'
import { ForkError } from './fork-error.ts'
import { TestNotebook } from './testing/notebook.ts'

async function refusal(cells: string, launched: string, args: unknown[] = []): Promise<ForkError> {
  const notebook = new TestNotebook()
  await notebook.run(cells)
  const error = await notebook.fork(launched, args).then(
    () => null,
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof ForkError)) throw new Error(`not refused: ${String(error)}`)
  return error
}

describe('a launch refuses', () => {
  it('an arrow function in a configuration, by its path and through the functions that need it', async () => {
    const error = await refusal(
      `const cfg = { model: { layers: [1, 2, { activation: (x) => x }] } }
       function build() { return cfg.model }
       async function train() { return build() }`,
      'train',
    )
    expect(error).toMatchObject({ code: 'NOT_CLONEABLE', path: 'cfg.model.layers[2].activation', needs: 'build' })
    expect(error.message).toBe(
      'launch(train): `cfg.model.layers[2].activation` is an arrow function "activation", and that cannot go to another worker. `build` needs it (`train` → `build`). Define it in the launched code, or declare it at the top level of a cell (then it crosses by name), or pass its name.',
    )
  })

  it('an argument, by its place', async () => {
    const error = await refusal('function train(given) {}', 'train', [1, { port: new MessageChannel().port1 }])
    expect(error).toMatchObject({ path: 'arguments[1].port', needs: null })
    expect(error.message).toMatch(/a MessagePort/)
  })

  it.each<[string, string, string, RegExp]>([
    ['a WeakMap', 'const cache = new WeakMap(); function train() { return cache }', 'cache', /a WeakMap.*Use a Map/],
    [
      'a promise',
      'const later = Promise.resolve(1); function train() { return later }',
      'later',
      /a promise.*Await it first/,
    ],
    ['a symbol', 'const mark = Symbol("m"); function train() { return mark }', 'mark', /a symbol/],
    [
      'static state',
      'class Cache { static entries = new WeakMap() } function train() { return Cache }',
      'Cache.entries',
      /a WeakMap/,
    ],
    ['a property of a function', 'function train() {}; train.cache = [new WeakSet()]', 'train.cache[0]', /a WeakSet/],
    [
      'private state',
      'class Safe { #pin = 1 } const safe = new Safe(); function train() { return safe }',
      'safe',
      /Safe, which keeps private state \(#pin\).*ordinary fields/,
    ],
    [
      'private state of a base class',
      'class A { #a = 1 } class B extends A {} const b = new B(); function train() { return b }',
      'b',
      /keeps private state \(#a\)/,
    ],
  ])('%s that a function uses', async (_, cells, path, message) => {
    const error = await refusal(cells, 'train')
    expect(error.path).toBe(path)
    expect(error.message).toMatch(message)
  })

  it('functions that live from variables of a call, naming them', async () => {
    const inline = await refusal(
      `let made
       function outer(lr) { const steps = 2; for (const epoch of [1]) made = async (fabric) => [lr, steps, epoch, fabric] }
       outer(0.1)`,
      'made',
    )
    expect(inline.message).toMatch(
      /an arrow function "made" that uses `lr`, `steps`, `epoch` of the code around it.*Pass them as arguments/,
    )
    const captured = await refusal(
      'function maker(n) { return function inner() { return n } } const five = maker(5); function train() { return five() }',
      'train',
    )
    expect(captured).toMatchObject({ path: 'five', needs: 'train' })
    expect(captured.message).toMatch(/a function "inner" that uses `n` of the code around it.*Pass it as an argument/)
    const looped = await refusal('let f; for (const lr of [1]) { f = () => lr }', 'f')
    expect(looped.message).toMatch(/uses `lr`/)
  })

  it('a local variable that hides a global', async () => {
    const error = await refusal(
      'function outer() { const performance = 3; return () => performance } const f = outer()',
      'f',
    )
    expect(error.message).toMatch(/uses `performance` of the code around it/)
  })

  it('functions without source', async () => {
    expect((await refusal('function f() {} const bound = f.bind({})', 'bound')).message).toMatch(
      /`bound f` is a bound function "bound f".*Launch the function itself/,
    )
  })

  it('functions of libraries that no import leads to, if they use what only the library has', async () => {
    const hidden = 3
    const notebook = new TestNotebook({ lib: { make: () => () => hidden } })
    await notebook.run('import { make } from "lib"; const f = make(); function train() { return f() }')
    await expect(notebook.fork('train')).rejects.toThrow(
      /`f` is an arrow function.* that uses `hidden` of the code around it/,
    )
  })

  it('instances of classes of libraries', async () => {
    class Handle {}
    const notebook = new TestNotebook({ lib: { Handle } })
    await notebook.run('import { Handle } from "lib"; const handle = new Handle(); function train() { return handle }')
    await expect(notebook.fork('train')).rejects.toThrow(/an instance of Handle, which is no class of this notebook/)
  })

  it('notebook classes around things that only a constructor makes', async () => {
    const error = await refusal(
      'class Line extends EventTarget {} const line = new Line(); function train() { return line }',
      'train',
    )
    expect(error.message).toMatch(/an instance of EventTarget/)
  })

  it('functions in fields of instances, which could be methods', async () => {
    const error = await refusal(
      'class M { k = 2; step = (x) => x * this.k } const m = new M(); function train() { return m }',
      'train',
    )
    expect(error.path).toBe('m.step')
    expect(error.message).toMatch(/an arrow function "step" in a field of M.*Make it a method of M/)
  })

  it('nothing that the function does not reach', async () => {
    const notebook = new TestNotebook()
    await notebook.run('const cache = new WeakMap(); function other() { return cache } function train() { return 1 }')
    expect(await notebook.launch('train')).toBe(1)
  })
})
