/**
 * What a piece of compiled code uses: names of the scope (`$.x`), variables of the functions around it, and names
 * that nothing in the cell binds. Reads code; runs nothing.
 */

import { type AnyNode, type Program, parse } from 'acorn'
import { childrenOf, lexicalNames, namesOfPattern, varNames } from '../compile/names.ts'

export interface Reach {
  /** Names that are read from or written to the scope. */
  names: ReadonlySet<string>
  /** Variables of enclosing functions and blocks: only that one call has them. */
  captured: ReadonlySet<string>
  /** Names that are bound nowhere in the code: globals of the worker. */
  free: ReadonlySet<string>
}

/** A binding scope; `start` tells whether it lies inside of the piece. */
interface Scope {
  parent: Scope | null
  start: number
  end: number
  names: ReadonlySet<string>
}

/** The scope object and the runtime, which compiled code has from outside. */
const RESERVED: ReadonlySet<string> = new Set(['$', '$$'])

/** Parses the body of a compiled cell, or an expression in brackets. Throws SyntaxError. */
export function parseBody(code: string): Program {
  return parse(code, {
    ecmaVersion: 'latest',
    sourceType: 'module',
    allowReturnOutsideFunction: true,
    allowAwaitOutsideFunction: true,
    allowSuperOutsideMethod: true,
  })
}

/** What the code between two offsets uses. The program's own top level counts as outside of every function. */
export function reachOf(program: Program, start: number, end: number): Reach {
  const walk = new Walk(start, end)
  walk.visitAll(program.body, null)
  return walk
}

class Walk implements Reach {
  readonly names = new Set<string>()
  readonly captured = new Set<string>()
  readonly free = new Set<string>()

  constructor(
    private readonly start: number,
    private readonly end: number,
  ) {}

  visitAll(nodes: ReadonlyArray<AnyNode | null | undefined>, scope: Scope | null): void {
    for (const node of nodes) if (node !== null && node !== undefined) this.visit(node, scope)
  }

  private visit(node: AnyNode, scope: Scope | null): void {
    // Pieces are whole nodes, so that what lies aside of them has nothing to tell.
    if (node.end <= this.start || node.start >= this.end) return
    if (node.type === 'Identifier') this.use(node.name, scope)
    else {
      const name = scopeName(node)
      if (name !== null && this.isInside(node)) this.names.add(name)
      for (const [nodes, inner] of partsOf(node, scope)) this.visitAll(nodes, inner)
    }
  }

  private use(name: string, scope: Scope | null): void {
    if (RESERVED.has(name)) return
    for (let at = scope; at !== null; at = at.parent) {
      if (!at.names.has(name)) continue
      if (!this.isInside(at)) this.captured.add(name)
      return
    }
    this.free.add(name)
  }

  private isInside(range: { start: number; end: number }): boolean {
    return this.start <= range.start && range.end <= this.end
  }
}

const inside = (parent: Scope | null, { start, end }: AnyNode, names: readonly string[]): Scope => ({
  parent,
  start,
  end,
  names: new Set(names),
})

/** `x` for `$.x`. */
function scopeName(node: AnyNode): string | null {
  if (node.type !== 'MemberExpression' || node.computed) return null
  const { object, property } = node
  const isScope = object.type === 'Identifier' && object.name === '$'
  return isScope && property.type === 'Identifier' ? property.name : null
}

type Part = [nodes: ReadonlyArray<AnyNode | null | undefined>, scope: Scope | null]

/** A node's children that may use names, with the scope that they see. */
function partsOf(node: AnyNode, scope: Scope | null): Part[] {
  switch (node.type) {
    case 'MemberExpression':
      return [[[node.object, node.computed ? node.property : null] as AnyNode[], scope]]
    case 'Property':
    case 'MethodDefinition':
    case 'PropertyDefinition':
      return [[[node.computed ? node.key : null, node.value] as AnyNode[], scope]]
    case 'FunctionDeclaration':
    case 'FunctionExpression':
    case 'ArrowFunctionExpression': {
      const own = node.type === 'FunctionExpression' && node.id ? inside(scope, node, [node.id.name]) : scope
      const names = node.params.flatMap((parameter) => namesOfPattern(parameter))
      const parameters = inside(own, node, node.type === 'ArrowFunctionExpression' ? names : [...names, 'arguments'])
      const isBlock = node.body.type === 'BlockStatement'
      const body = node.body.type === 'BlockStatement' ? node.body.body : [node.body]
      const inBody = isBlock ? inside(parameters, node, [...lexicalNames(body), ...varNames(body)]) : parameters
      return [
        [node.params, parameters],
        [body, inBody],
      ]
    }
    case 'ClassDeclaration':
    case 'ClassExpression': {
      const own = node.id ? inside(scope, node, [node.id.name]) : scope
      return [[[node.superClass, ...node.body.body], own]]
    }
    case 'StaticBlock':
      return [[node.body, inside(scope, node, ['arguments', ...lexicalNames(node.body), ...varNames(node.body)])]]
    case 'BlockStatement':
      return [[node.body, inside(scope, node, lexicalNames(node.body))]]
    case 'ForStatement':
    case 'ForInStatement':
    case 'ForOfStatement': {
      const head = node.type === 'ForStatement' ? node.init : node.left
      const names = head?.type === 'VariableDeclaration' ? lexicalNames([head]) : []
      return [[childrenOf(node), inside(scope, node, names)]]
    }
    case 'SwitchStatement': {
      const statements = node.cases.flatMap((branch) => branch.consequent)
      return [[childrenOf(node), inside(scope, node, lexicalNames(statements))]]
    }
    case 'CatchClause':
      return [[childrenOf(node), inside(scope, node, node.param ? namesOfPattern(node.param) : [])]]
    case 'LabeledStatement':
      return [[[node.body], scope]]
    case 'BreakStatement':
    case 'ContinueStatement':
    case 'MetaProperty':
      return []
    default:
      return [[childrenOf(node), scope]]
  }
}
