/**
 * Cell code to code whose only free names are `$`, `$$` and globals: every top-level name becomes a property of the
 * scope object, every `await` goes through the runtime. Walks the whole tree; top-level declarations, functions and
 * loops have files of their own.
 */
import type { AnyNode, Expression, Identifier, Node, Pattern, Statement, SwitchStatement } from 'acorn'
import type MagicString from 'magic-string'
import { isLocal, LocalScope } from './local-scope.ts'
import type { NameTable } from './name-table.ts'
import { childrenOf, lexicalNames, namesOfPattern } from './names.ts'
import { rewriteClass, rewriteFunction } from './rewrite-functions.ts'
import { rewriteFor, rewriteForEach } from './rewrite-loops.ts'
import { rewriteVariables } from './rewrite-variables.ts'
import { RefusedSyntax } from './syntax-error.ts'

/** How a pattern's names are bound: local ones, top-level declarations, or existing names. */
export type Target = 'local' | 'let' | 'const' | 'var' | 'assign'

export class Rewriter {
  /** Starts of expression statements in statement lists: there a line may not begin with a bracket. */
  private readonly listStarts = new Set<number>()

  /**
   * Where a callee ends → where it starts. Engines report a call of a bracketed function at its arguments; people
   * look for its name.
   */
  readonly calleeStarts = new Map<number, number>()

  constructor(
    readonly text: MagicString,
    readonly code: string,
    readonly names: NameTable,
    /** Starts of `var` declarators without a value that lose their old one all the same. */
    readonly freshVars: ReadonlySet<number>,
  ) {}

  visitAll(nodes: ReadonlyArray<Node | null>, scope: LocalScope | null): void {
    for (const node of nodes) if (node !== null) this.visit(node, scope)
  }

  visitList(statements: readonly (Statement | AnyNode)[], scope: LocalScope | null): void {
    for (const statement of statements) {
      if (statement.type === 'ExpressionStatement') this.listStarts.add(statement.start)
    }
    this.visitAll(statements, scope)
  }

  visit(untyped: Node, scope: LocalScope | null): void {
    const node = untyped as AnyNode
    switch (node.type) {
      case 'Identifier':
        this.write(node, this.resolve(node.name, scope))
        break
      case 'MemberExpression':
        this.visit(node.object, scope)
        if (node.computed) this.visit(node.property, scope)
        break
      case 'Property':
        if (node.computed) this.visit(node.key, scope)
        if (!node.shorthand) this.visit(node.value, scope)
        else if (node.value.type === 'Identifier') {
          this.write(node.value, this.resolve(node.value.name, scope), true)
        }
        break
      case 'CallExpression':
        this.visitAll(node.arguments, scope)
        this.visitCallee(node.callee, scope)
        break
      case 'TaggedTemplateExpression':
        this.visit(node.quasi, scope)
        this.visitCallee(node.tag, scope)
        break
      case 'UnaryExpression':
        if (node.operator === 'typeof' && node.argument.type === 'Identifier') this.visitTypeof(node.argument, scope)
        else this.visit(node.argument, scope)
        break
      case 'AssignmentExpression':
        this.visitPattern(node.left, scope, 'assign')
        this.visit(node.right, scope)
        if (node.left.type === 'Identifier' && /^(?:\|\||&&|\?\?)?=$/.test(node.operator)) {
          this.keepName(node.left.name, node.right, !isLocal(node.left.name, scope))
        }
        break
      case 'AwaitExpression':
        this.visit(node.argument, scope)
        this.replaceKeyword(node, 'await', '$$.resume(await $$.hold(')
        this.text.appendLeft(node.end, '))')
        break
      case 'ImportExpression':
        this.visitAll(childrenOf(node), scope)
        this.replaceKeyword(node, 'import', '$$.import')
        this.calleeStarts.set(node.start + 'import'.length, node.start)
        break
      case 'MetaProperty':
        if (node.meta.name !== 'import') break
        throw new RefusedSyntax('import.meta does not exist in a cell: a cell has no file', node.start)
      case 'FunctionDeclaration':
      case 'FunctionExpression':
      case 'ArrowFunctionExpression':
        rewriteFunction(this, node, scope)
        break
      case 'ClassDeclaration':
      case 'ClassExpression':
        rewriteClass(this, node, scope)
        break
      case 'VariableDeclaration':
        rewriteVariables(this, node, scope)
        break
      case 'BlockStatement':
        this.visitList(node.body, new LocalScope(scope, lexicalNames(node.body)))
        break
      case 'SwitchStatement':
        this.visitSwitch(node, scope)
        break
      case 'CatchClause': {
        const inner = new LocalScope(scope, node.param ? namesOfPattern(node.param) : [])
        if (node.param) this.visitPattern(node.param, inner, 'local')
        this.visit(node.body, inner)
        break
      }
      case 'ForStatement':
        rewriteFor(this, node, scope)
        break
      case 'ForInStatement':
      case 'ForOfStatement':
        rewriteForEach(this, node, scope)
        break
      case 'LabeledStatement':
        this.visit(node.body, scope)
        break
      case 'BreakStatement':
      case 'ContinueStatement':
        break
      case 'ImportDeclaration':
        // Imports are done by the kernel before the code runs. A semicolon keeps the lines around it apart.
        this.text.update(node.start, node.end, ';')
        break
      default:
        this.visitAll(childrenOf(node), scope)
    }
  }

  private visitSwitch(node: SwitchStatement, scope: LocalScope | null): void {
    this.visit(node.discriminant, scope)
    const inner = new LocalScope(scope, lexicalNames(node.cases.flatMap((branch) => branch.consequent)))
    for (const branch of node.cases) {
      if (branch.test) this.visit(branch.test, inner)
      this.visitList(branch.consequent, inner)
    }
  }

  /** Blanks after the keyword go with it. */
  private replaceKeyword(node: Node, keyword: string, text: string): void {
    let end = node.start + keyword.length
    while (this.code[end] === ' ') end++
    this.text.update(node.start, end, text)
  }

  /** Names and defaults of a pattern; what is assigned to (`a.b` in `[a.b] = c`) is visited too. */
  visitPattern(pattern: Pattern, scope: LocalScope | null, target: Target): void {
    switch (pattern.type) {
      case 'Identifier':
        this.write(pattern, this.bound(pattern.name, scope, target))
        break
      case 'ObjectPattern':
        for (const property of pattern.properties) {
          if (property.type === 'RestElement') this.visitPattern(property.argument, scope, target)
          else if (property.shorthand) this.visitShorthand(property.value, scope, target)
          else {
            if (property.computed) this.visit(property.key, scope)
            this.visitPattern(property.value, scope, target)
          }
        }
        break
      case 'ArrayPattern':
        for (const element of pattern.elements) if (element !== null) this.visitPattern(element, scope, target)
        break
      case 'AssignmentPattern':
        this.visitPattern(pattern.left, scope, target)
        this.visitDefault(pattern.left, pattern.right, scope, target)
        break
      case 'RestElement':
        this.visitPattern(pattern.argument, scope, target)
        break
      case 'MemberExpression':
        this.visit(pattern, scope)
        break
      default:
        pattern satisfies never
    }
  }

  private visitShorthand(value: Pattern, scope: LocalScope | null, target: Target): void {
    const identifier = (value.type === 'AssignmentPattern' ? value.left : value) as Identifier
    this.write(identifier, this.bound(identifier.name, scope, target), true)
    if (value.type === 'AssignmentPattern') this.visitDefault(identifier, value.right, scope, target)
  }

  private visitDefault(left: Pattern, right: Expression, scope: LocalScope | null, target: Target): void {
    this.visit(right, scope)
    if (left.type === 'Identifier') this.keepName(left.name, right, this.isMoved(left.name, scope, target))
  }

  /**
   * JavaScript names an anonymous function after the variable it is put into, but not after a property. Functions
   * that were put into a variable, which is a property now, get their name from an object literal.
   */
  keepName(name: string, value: Expression, moved: boolean): void {
    const anonymous =
      value.type === 'ArrowFunctionExpression' ||
      ((value.type === 'FunctionExpression' || value.type === 'ClassExpression') && !value.id)
    // `{ __proto__: … }` would set the prototype.
    if (!moved || !anonymous || !this.names.isOnScope(name) || name === '__proto__') return
    this.text.appendRight(value.start, `{${name}: `)
    this.text.appendLeft(value.end, `}.${name}`)
  }

  private isMoved(name: string, scope: LocalScope | null, target: Target): boolean {
    return target === 'assign' || target === 'var' ? !isLocal(name, scope) : target !== 'local'
  }

  private resolve(name: string, scope: LocalScope | null): string {
    return isLocal(name, scope) ? this.names.local(name) : this.names.free(name)
  }

  private bound(name: string, scope: LocalScope | null, target: Target): string {
    switch (target) {
      case 'local':
        return this.names.local(name)
      case 'let':
      case 'const':
        return `$$.${target}.${name}`
      // A catch parameter may hide a `var` that is initialised in its block.
      case 'var':
      case 'assign':
        return this.resolve(name, scope)
      default:
        return target satisfies never
    }
  }

  /** A call of a scope's function must not get the scope as `this`. */
  private visitCallee(callee: Node, scope: LocalScope | null): void {
    const node = callee as AnyNode
    if (node.type !== 'Identifier') {
      this.visit(node, scope)
      return
    }
    const text = this.resolve(node.name, scope)
    const start = this.listStarts.has(node.start) ? ';' : ''
    this.write(node, text.startsWith('$.') ? `${start}(0, ${text})` : text)
    this.calleeStarts.set(node.end, node.start)
  }

  /** `typeof` does not throw for unknown names, but does for those whose declaration has yet to run. */
  private visitTypeof(argument: Identifier, scope: LocalScope | null): void {
    const text = this.resolve(argument.name, scope)
    const guarded = text.startsWith('$.') && !this.names.hasDeadZone(argument.name)
    this.write(argument, guarded ? `(${JSON.stringify(argument.name)} in $ ? ${text} : void 0)` : text)
  }

  private write(identifier: Identifier, text: string, shorthand = false): void {
    if (text === identifier.name) return
    this.text.update(identifier.start, identifier.end, shorthand ? `${identifier.name}: ${text}` : text)
  }
}
