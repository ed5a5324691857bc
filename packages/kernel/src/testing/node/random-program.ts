/**
 * Random programs for comparing cells with a module: a list of top-level statements that declare, read, assign,
 * shadow and capture names. Left out is what cells mean to do differently: functions and `var` are not used before
 * the statement that declares them, and `typeof` asks only for names declared above or nowhere.
 */
import fc from 'fast-check'

const NAMES = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', '$', 'name', 'of', 'déjà'] as const

/**
 * Every function asks this first: a function that calls itself twice, inside a `try`, would run for ever, and one that
 * calls itself without end would stop at a depth of the engine's choosing.
 */
const TOO_MANY_CALLS = 'sink.calls++ > 200'

type Draw = fc.GeneratorValue
type Kind = 'const' | 'let' | 'var' | 'function' | 'class'

/** Names that code at one place may use. */
interface Reach {
  /** Declared above, or local. */
  names: readonly string[]
  /** Declared below with `let`, `const` or `class`: in a dead zone until then. */
  later: readonly string[]
  /** Those of `names` that may be assigned; others throw. */
  assignable: readonly string[]
  depth: number
}

export const randomProgram: fc.Arbitrary<string[]> = fc.gen().map((draw) => {
  const pool = draw(fc.shuffledSubarray, [...NAMES], { minLength: 3, maxLength: 8 })
  const kinds = pool.map((): Kind => draw(fc.constantFrom, 'const', 'let', 'var', 'function', 'class'))
  const statements: string[] = []
  pool.forEach((name, index) => {
    const later = pool.filter((_, at) => at >= index && kinds[at] !== 'var' && kinds[at] !== 'function')
    const assignable = pool.filter((_, at) => at < index && kinds[at] !== 'const')
    const reach: Reach = { names: pool.slice(0, index), later, assignable, depth: 0 }
    statements.push(declaration(draw, name, kinds[index]!, reach))
    const after: Reach = {
      ...reach,
      names: pool.slice(0, index + 1),
      later: later.filter((other) => other !== name),
      assignable: kinds[index] === 'const' ? assignable : [...assignable, name],
    }
    const extra = draw(fc.nat, 2)
    for (let n = 0; n < extra; n++) statements.push(statement(draw, after))
  })
  return statements
})

function declaration(draw: Draw, name: string, kind: Kind, reach: Reach): string {
  switch (kind) {
    case 'function':
      return functionText(draw, name, { ...reach, names: [...reach.names, name] })
    case 'class':
      return `class ${name} { static #p = ${expression(draw, reach)}; static s = ${name}.#p; x = ${expression(draw, reach)}; m() { return num(${name}.s) } }`
    default: {
      const form = draw(fc.nat, 6)
      // A `var` of its own initialiser is undefined yet; a `let` is dead. Both may be tried.
      const init = expression(draw, reach)
      if (form === 0) return `${kind} { ${name} = ${init} } = {}`
      if (form === 1) return `${kind} [${name}] = [${init}]`
      if (form === 2) return `${kind} ${name} = () => (${TOO_MANY_CALLS} ? 0 : ${init})`
      if (form === 3 && kind === 'var') return `for (var ${name} of [1, 2]) out(${name})`
      if (form === 4) return `${kind} { x: ${name}, ...${name}Rest } = { x: ${init}, y: 2 }\nout(${name}Rest)`
      if (form === 5) return `${kind} ${name} = await ${init}`
      return `${kind} ${name} = ${init}`
    }
  }
}

function functionText(draw: Draw, name: string, reach: Reach): string {
  const parameter = draw(fc.constantFrom, 'p', ...NAMES.slice(0, 4))
  const inside: Reach = { ...reach, names: [...reach.names, parameter], depth: reach.depth + 1 }
  const body = draw(fc.boolean) ? statement(draw, inside) : ''
  const second = draw(fc.boolean) ? `, q = ${TOO_MANY_CALLS} ? 0 : ${expression(draw, inside)}` : ''
  return `function ${name}(${parameter}${second}) { if (${TOO_MANY_CALLS}) return 0; ${body}; return ${expression(draw, inside)} }`
}

function statement(draw: Draw, reach: Reach): string {
  const target =
    draw(fc.nat, 9) === 0 || reach.assignable.length === 0
      ? someName(draw, reach)
      : draw(fc.constantFrom, ...reach.assignable)
  const value = expression(draw, reach)
  const deeper: Reach = { ...reach, depth: reach.depth + 1 }
  const form = draw(fc.nat, reach.depth > 2 ? 4 : 13)
  const local = draw(fc.constantFrom, 'i', ...NAMES.slice(0, 6))
  const withLocal: Reach = {
    ...deeper,
    names: [...reach.names, local],
    assignable: reach.assignable.filter((name) => name !== local),
  }
  switch (form) {
    case 0:
      return `out(${value})`
    case 1:
      return `${target} = ${value}`
    case 2:
      return `${target} ${draw(fc.constantFrom, '+=', '??=', '||=', '&&=')} ${value}`
    case 3:
      return `;[${target}, ${someName(draw, reach)}] = [${value}, 1]`
    case 4:
      return `;({ x: ${target} = ${value} } = {})`
    case 5:
      return `try { ${statement(draw, deeper)} } catch (e) { out(e.name) }`
    case 6:
      return `for (let ${local} = 0; ${local} < 2; ${local}++) { ${statement(draw, { ...withLocal, names: reach.names.filter((n) => n !== local) })}; out((() => ${local})()) }`
    case 7:
      return `{ const ${local} = ${draw(fc.nat, 9)}; out((() => ${expression(draw, withLocal)})()) }`
    case 8:
      return `try { raise({ x: ${value} }) } catch ({ x: ${local} }) { out(${expression(draw, withLocal)}) }`
    case 9:
      return `switch (num(${value})) { case 7: let ${local} = 3; out(${expression(draw, withLocal)}); break; default: out('d') }`
    case 10:
      return `out([...(function* () { yield ${value}; yield num(${target}) })()])`
    case 11:
      return `out(typeof ${draw(fc.constantFrom, 'nowhere', ...(reach.names.length > 0 ? [reach.names[0]!] : []))})`
    case 12:
      return `x: for (const ${local} of [1, 2, 3]) { if (num(${expression(draw, withLocal)}) > 5) continue x; out(${local}) }`
    default:
      return `if (num(${value}) > 4) { ${statement(draw, deeper)} } else ${target}++`
  }
}

function expression(draw: Draw, reach: Reach): string {
  const form = draw(fc.nat, reach.depth > 3 ? 2 : 10)
  const name = someName(draw, reach)
  const deeper: Reach = { ...reach, depth: reach.depth + 1 }
  switch (form) {
    case 0:
      return String(draw(fc.nat, 9))
    case 1:
      return `num(${name})`
    case 2:
      return name
    case 3:
      return `${draw(fc.nat, 15) === 0 ? `${name}(` : `call(${name}, `}${expression(draw, deeper)})`
    case 4:
      return `num(${expression(draw, deeper)}) + num(${name})`
    case 5:
      return `((p, ${draw(fc.constantFrom, 'q', 'a', '$')} = ${name}) => num(p) + 1)(${expression(draw, deeper)})`
    case 6:
      return `(function ${draw(fc.constantFrom, 'b', 'inner')}() { return ${TOO_MANY_CALLS} ? 0 : ${expression(draw, deeper)} })()`
    case 7:
      return `new (class { y = num(${name}); get z() { return this.y } })().z`
    case 8:
      return `({ ${name} })['${name}']`
    case 9:
      return `(num(${expression(draw, deeper)}) > 3 ? ${name} : ${expression(draw, deeper)})`
    default:
      return `num(${name}?.x ?? ${expression(draw, deeper)})`
  }
}

function someName(draw: Draw, reach: Reach): string {
  // Mostly what is declared; now and then a name in its dead zone, or one that is nowhere.
  const dice = draw(fc.nat, 199)
  const from = dice === 0 ? ['nowhere'] : dice < 3 && reach.later.length > 0 ? reach.later : reach.names
  return from.length === 0 ? 'sink' : draw(fc.constantFrom, ...from)
}
