/** Functions and classes: the scopes that they open, and what becomes of those at a cell's top level. */
import type {
  AnonymousFunctionDeclaration,
  ArrowFunctionExpression,
  Class,
  ClassDeclaration,
  FunctionDeclaration,
  FunctionExpression,
  Identifier,
} from 'acorn'
import { LocalScope } from './local-scope.ts'
import { lexicalNames, namesOfPattern, varNames } from './names.ts'
import type { Rewriter } from './rewrite.ts'

type AnyFunction = FunctionDeclaration | AnonymousFunctionDeclaration | FunctionExpression | ArrowFunctionExpression

/**
 * A top-level function stays a declaration and so stays hoisted; it is put on the scope by name before the code
 * runs. A function expression's own name and the parameters are scopes around the body, as in JavaScript.
 */
export function rewriteFunction(rewriter: Rewriter, node: AnyFunction, outer: LocalScope | null): void {
  let scope = outer
  if (node.type !== 'ArrowFunctionExpression' && node.id) {
    renameReserved(rewriter, node.id)
    if (node.type === 'FunctionExpression') scope = new LocalScope(scope, [node.id.name])
  }
  const parameters = node.params.flatMap((parameter) => namesOfPattern(parameter))
  const inParameters = new LocalScope(
    scope,
    node.type === 'ArrowFunctionExpression' ? parameters : [...parameters, 'arguments'],
    true,
  )
  for (const parameter of node.params) rewriter.visitPattern(parameter, inParameters, 'local')
  if (node.body.type !== 'BlockStatement') {
    rewriter.visit(node.body, inParameters)
    return
  }
  const { body } = node.body
  rewriter.visitList(body, new LocalScope(inParameters, [...lexicalNames(body), ...varNames(body)], true))
}

/** A top-level class becomes an assignment; inside of its body its name is its own, as in JavaScript. */
export function rewriteClass(rewriter: Rewriter, node: Class | ClassDeclaration, outer: LocalScope | null): void {
  const scope = node.id ? new LocalScope(outer, [node.id.name]) : outer
  if (node.id) renameReserved(rewriter, node.id)
  if (node.superClass) rewriter.visit(node.superClass, scope)
  for (const member of node.body.body) {
    if (member.type === 'StaticBlock') {
      const names = [...lexicalNames(member.body), ...varNames(member.body), 'arguments']
      rewriter.visitList(member.body, new LocalScope(scope, names, true))
      continue
    }
    if (member.computed) rewriter.visit(member.key, scope)
    if (member.value) rewriter.visit(member.value, new LocalScope(scope, [], true))
  }
  if (node.type === 'ClassDeclaration' && outer === null) {
    const { name } = node.id as Identifier
    rewriter.text.update(node.start, node.start + 'class'.length, `$$.let.${name} = class`)
    rewriter.text.appendLeft(node.end, ';')
  }
}

function renameReserved(rewriter: Rewriter, id: Identifier): void {
  const name = rewriter.names.local(id.name)
  if (name !== id.name) rewriter.text.update(id.start, id.end, name)
}
