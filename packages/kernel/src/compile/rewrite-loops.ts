/**
 * Loops with a head. Names that `let` and `const` declare there are local to the loop, also at top level, so that
 * closures keep one binding per iteration; `var` goes to the scope.
 */
import type {
  ForInStatement,
  ForOfStatement,
  ForStatement,
  Pattern,
  VariableDeclaration,
  VariableDeclarator,
} from 'acorn'
import { LocalScope } from './local-scope.ts'
import { namesOfDeclaration } from './names.ts'
import type { Rewriter } from './rewrite.ts'
import { rewriteHeadVariables, targetOf } from './rewrite-variables.ts'

export function rewriteFor(rewriter: Rewriter, node: ForStatement, outer: LocalScope | null): void {
  const scope = loopScope(node.init, outer)
  if (node.init?.type === 'VariableDeclaration') rewriteHeadVariables(rewriter, node.init, scope)
  else if (node.init) rewriter.visit(node.init, scope)
  if (node.test) rewriter.visit(node.test, scope)
  if (node.update) rewriter.visit(node.update, scope)
  rewriter.visit(node.body, scope)
}

export function rewriteForEach(
  rewriter: Rewriter,
  node: ForInStatement | ForOfStatement,
  outer: LocalScope | null,
): void {
  const scope = loopScope(node.left, outer)
  const { text } = rewriter
  const pattern: Pattern =
    node.left.type === 'VariableDeclaration' ? (node.left.declarations[0] as VariableDeclarator).id : node.left
  const target = node.left.type === 'VariableDeclaration' ? targetOf(node.left, scope) : 'assign'
  rewriter.visitPattern(pattern, scope, target)
  if (target === 'var') text.remove(node.left.start, pattern.start)
  rewriter.visit(node.right, scope)
  if (node.type === 'ForOfStatement' && node.await) {
    // Reading `value` is what brings the execution back in which the loop runs.
    text.appendRight(pattern.start, '{ value: ')
    text.appendLeft(pattern.end, ' }')
    text.appendRight(node.right.start, '$$.iterate((')
    text.appendLeft(node.right.end, '))')
  }
  rewriter.visit(node.body, scope)
}

function loopScope(head: { type: string } | null | undefined, outer: LocalScope | null): LocalScope {
  const names =
    head?.type === 'VariableDeclaration' && (head as VariableDeclaration).kind !== 'var'
      ? namesOfDeclaration(head as VariableDeclaration)
      : []
  return new LocalScope(outer, names)
}
