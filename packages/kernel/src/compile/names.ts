/** Which names a piece of a syntax tree binds. Knows JavaScript's hoisting; nothing of cells. */
import type { AnyNode, Pattern, Statement, VariableDeclaration } from 'acorn'

/** Names that a pattern binds, in order of appearance. */
export function namesOfPattern(pattern: Pattern, into: string[] = []): string[] {
  switch (pattern.type) {
    case 'Identifier':
      into.push(pattern.name)
      return into
    case 'ObjectPattern':
      for (const property of pattern.properties) {
        namesOfPattern(property.type === 'RestElement' ? property.argument : property.value, into)
      }
      return into
    case 'ArrayPattern':
      for (const element of pattern.elements) if (element !== null) namesOfPattern(element, into)
      return into
    case 'AssignmentPattern':
      return namesOfPattern(pattern.left, into)
    case 'RestElement':
      return namesOfPattern(pattern.argument, into)
    case 'MemberExpression':
      return into
    default:
      pattern satisfies never
      return into
  }
}

export function namesOfDeclaration(declaration: VariableDeclaration): string[] {
  return declaration.declarations.flatMap((declarator) => namesOfPattern(declarator.id))
}

/** What `let`, `const`, `class` and `function` directly in a list of statements bind. */
export function lexicalNames(statements: readonly AnyNode[]): string[] {
  return statements.flatMap((statement) => {
    if (statement.type === 'VariableDeclaration') return statement.kind === 'var' ? [] : namesOfDeclaration(statement)
    if (statement.type === 'FunctionDeclaration' || statement.type === 'ClassDeclaration') {
      return statement.id === null ? [] : [statement.id.name]
    }
    return []
  })
}

/** What `var` binds anywhere in these statements, not looking into functions and classes. */
export function varNames(statements: readonly (AnyNode | Statement)[]): string[] {
  const names: string[] = []
  const visit = (node: AnyNode): void => {
    if (/^(?:Function|ArrowFunction|Class)/.test(node.type)) return
    if (node.type === 'VariableDeclaration' && node.kind === 'var') names.push(...namesOfDeclaration(node))
    for (const child of childrenOf(node)) visit(child)
  }
  for (const statement of statements) visit(statement as AnyNode)
  return names
}

/** A node's direct children. */
export function childrenOf(node: AnyNode): AnyNode[] {
  const children: AnyNode[] = []
  for (const value of Object.values(node)) {
    if (Array.isArray(value)) {
      for (const item of value) if (isNode(item)) children.push(item)
    } else if (isNode(value)) children.push(value)
  }
  return children
}

function isNode(value: unknown): value is AnyNode {
  return typeof value === 'object' && value !== null && typeof (value as { type?: unknown }).type === 'string'
}
