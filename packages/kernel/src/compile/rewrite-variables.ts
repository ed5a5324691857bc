/** `const`, `let` and `var` of a cell's top level become assignments to the scope; local ones stay as they are. */
import type { VariableDeclaration, VariableDeclarator } from 'acorn'
import { type LocalScope, varsAreTopLevel } from './local-scope.ts'
import type { Rewriter, Target } from './rewrite.ts'

export function rewriteVariables(rewriter: Rewriter, node: VariableDeclaration, scope: LocalScope | null): void {
  const target = targetOf(node, scope)
  rewriteDeclarators(rewriter, node, scope, target)
  if (target === 'local') return
  const first = node.declarations[0] as VariableDeclarator
  const last = node.declarations[node.declarations.length - 1] as VariableDeclarator
  // A statement may begin with neither brace nor bracket: one is a block, the other joins the line above.
  const wrapped = first.id.type === 'ObjectPattern' || first.id.type === 'ArrayPattern'
  rewriter.text.update(node.start, first.start, wrapped ? 'void (' : '')
  if (wrapped) rewriter.text.appendLeft(last.end, ')')
  if (rewriter.code[node.end - 1] !== ';') rewriter.text.appendLeft(node.end, ';')
}

/** The same in the head of a `for`, where there is no statement and no block to mistake it for. */
export function rewriteHeadVariables(rewriter: Rewriter, node: VariableDeclaration, scope: LocalScope | null): void {
  const target = targetOf(node, scope)
  rewriteDeclarators(rewriter, node, scope, target)
  if (target !== 'local') rewriter.text.remove(node.start, (node.declarations[0] as VariableDeclarator).start)
}

/** Where the names of a declaration go. */
export function targetOf(node: VariableDeclaration, scope: LocalScope | null): Target {
  if (node.kind === 'var') return varsAreTopLevel(scope) ? 'var' : 'local'
  if (scope !== null) return 'local'
  return node.kind === 'const' ? 'const' : 'let'
}

function rewriteDeclarators(
  rewriter: Rewriter,
  node: VariableDeclaration,
  scope: LocalScope | null,
  target: Target,
): void {
  for (const { id, init, start, end } of node.declarations) {
    if (init) {
      rewriter.visitPattern(id, scope, target)
      rewriter.visit(init, scope)
      if (id.type === 'Identifier') rewriter.keepName(id.name, init, target !== 'local')
    } else if (target === 'var') {
      // Hoisted and undefined already, so declaring it again changes nothing; an enumeration starts afresh.
      const fresh = rewriter.freshVars.has(start) && id.type === 'Identifier'
      rewriter.text.update(start, end, fresh ? `$.${id.name} = void 0` : 'void 0')
    } else {
      rewriter.visitPattern(id, scope, target)
      if (target !== 'local') rewriter.text.appendLeft(end, ' = void 0')
    }
  }
}
