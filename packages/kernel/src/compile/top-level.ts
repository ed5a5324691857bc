/** What a cell declares at its top level, read off its syntax tree before anything is rewritten. */
import type { ImportDeclaration, Program, VariableDeclaration } from 'acorn'
import { namesOfDeclaration, varNames } from './names.ts'
import type { DeclarationKind } from './types.ts'

export interface TopLevelName {
  name: string
  kind: DeclarationKind
  /** Index in `program.body` of the declaring statement. */
  statement: number
}

/** A name declared twice (`var x` in two places) counts where it comes first. */
export function topLevelNames(program: Program): TopLevelName[] {
  const found = new Map<string, TopLevelName>()
  const add = (name: string, kind: DeclarationKind, statement: number): void => {
    if (!found.has(name)) found.set(name, { name, kind, statement })
  }
  program.body.forEach((node, statement) => {
    if (node.type === 'FunctionDeclaration') add(node.id.name, 'function', statement)
    else if (node.type === 'ClassDeclaration') add(node.id.name, 'class', statement)
    else if (node.type === 'ImportDeclaration') {
      for (const { local } of node.specifiers) add(local.name, 'import', statement)
    } else if (node.type === 'VariableDeclaration' && node.kind !== 'var') {
      for (const name of namesOfDeclaration(node)) add(name, node.kind === 'const' ? 'const' : 'let', statement)
    } else for (const name of varNames([node])) add(name, 'var', statement)
  })
  return [...found.values()]
}

/** Local and exported name of everything that an import statement brings in. */
export function importedNames(node: ImportDeclaration): Array<{ local: string; imported: string }> {
  return node.specifiers.map((specifier) => {
    const local = specifier.local.name
    if (specifier.type === 'ImportDefaultSpecifier') return { local, imported: 'default' }
    if (specifier.type === 'ImportNamespaceSpecifier') return { local, imported: '*' }
    const { imported } = specifier
    return { local, imported: imported.type === 'Identifier' ? imported.name : String(imported.value) }
  })
}

/**
 * Starts of the declarators of enumerations, the first of each name: `var E; (function (E) {…})(E || (E = {}))`, as
 * the transpiler writes them. Running such a cell again must not keep members that were taken out.
 */
export function enumDeclarators(program: Program): Set<number> {
  const starts = new Map<string, number>()
  program.body.forEach((node, index) => {
    const name = node.type === 'VariableDeclaration' ? nameWithoutValue(node) : null
    const next = program.body[index + 1]
    if (name === null || next?.type !== 'ExpressionStatement' || next.expression.type !== 'CallExpression') return
    const [argument] = next.expression.arguments
    const isEnum = argument?.type === 'LogicalExpression' && argument.left.type === 'Identifier'
    if (isEnum && next.expression.callee.type === 'FunctionExpression' && !starts.has(name)) {
      starts.set(name, (node as VariableDeclaration).declarations[0]!.start)
    }
  })
  return new Set(starts.values())
}

function nameWithoutValue({ kind, declarations }: VariableDeclaration): string | null {
  const [only] = declarations
  return kind === 'var' && declarations.length === 1 && only?.id.type === 'Identifier' && !only.init
    ? only.id.name
    : null
}
