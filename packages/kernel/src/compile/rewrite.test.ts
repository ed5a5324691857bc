/** Snapshot-like cases of rewriting: what is written, and exactly what runs. */
import { describe, expect, it } from 'vitest'
import { compileCell } from './cell.ts'

const GLOBALS = new Set(['console', 'Promise', 'Math', 'undefined', 'Object'])

function compiled(source: string): string {
  return compileCell(source, { cellId: 'c', cellNumber: 1, known: (name) => GLOBALS.has(name) }).code
}

/** source → compiled; `g()` at the end keeps the case itself from being the cell's value. */
const CASES: Record<string, Array<[source: string, code: string]>> = {
  'top-level declarations': [
    ['const a = 1', '$$.const.a = 1;'],
    ['let a, b = a', '$$.let.a = void 0, $$.let.b = $.a;'],
    ['var a; var b = 2', 'void 0; $.b = 2;'],
    ['const a = 1; { const a = 2; f(a) }', '$$.const.a = 1; { const a = 2; ;(0, $.f)(a) }'],
    ['if (x) var a = 1\nelse g()', 'if ($.x) $.a = 1;\nelse (0, $.g)()'],
    [
      'const { a, b: { c = a }, ...r } = o;',
      'void ({ a: $$.const.a, b: { c: $$.const.c = $.a }, ...$$.const.r } = $.o);',
    ],
    ['let [a, , b = 1] = o', 'void ([$$.let.a, , $$.let.b = 1] = $.o);'],
    ['const { [k]: v } = o', 'void ({ [$.k]: $$.const.v } = $.o);'],
    ['class A extends B { m() { return A } }', '$$.let.A = class A extends $.B { m() { return A } };'],
    ['function f(a = x) { return f(a, y) }', 'function f(a = $.x) { return (0, $.f)(a, $.y) }'],
    ["import t, { x as y } from 'm'", ';'],
  ],
  'names of functions stay': [
    ['const f = () => 1', '$$.const.f = {f: () => 1}.f;'],
    ['let f = (function () {})', '$$.let.f = ({f: function () {}}.f);'],
    ['const { f = async () => {} } = o', 'void ({ f: $$.const.f = {f: async () => {}}.f } = $.o);'],
    ['f ??= class {};', 'return [($.f ??= {f: class {}}.f)];'],
    ['const f = function g() { return g }', '$$.const.f = function g() { return g };'],
    ['o.f = () => 1;', 'return [($.o.f = () => 1)];'],
  ],
  references: [
    ['x = y;', 'return [($.x = $.y)];'],
    ['x++; [a, o.b] = [b, a];', '$.x++; return [([$.a, $.o.b] = [$.b, $.a])];'],
    ['({ x, y: z, [k]: 1, m() { return x } });', 'return [(({ x: $.x, y: $.z, [$.k]: 1, m() { return $.x } }))];'],
    ['({ x, y: o.z = 1 } = q);', 'return [(({ x: $.x, y: $.o.z = 1 } = $.q))];'],
    ['console.log(Math.PI, undefined)', 'return [(console.log(Math.PI, undefined))]'],
    ['const console = 1; console', '$$.const.console = 1; return [($.console)]'],
    ['typeof x;', 'return [(typeof ("x" in $ ? $.x : void 0))];'],
    ['typeof x; let x', 'typeof $.x; $$.let.x = void 0;'],
    ['delete o.x;', 'return [(delete $.o.x)];'],
    ['o.x.y?.[z]', 'return [($.o.x.y?.[$.z])]'],
    ['new X(y)', 'return [(new $.X($.y))]'],
  ],
  calls: [
    ['a\nf(1)\n;[b]', '$.a\n;(0, $.f)(1)\n;return [([$.b])]'],
    ['f(1)', 'return [((0, $.f)(1))]'],
    ['f?.(1); 0', ';(0, $.f)?.(1); return [(0)]'],
    ['const a = b\nf`x`\nif (a) f()', '$$.const.a = $.b;\n;(0, $.f)`x`\nif ($.a) (0, $.f)()'],
    ['(f)(1)', 'return [(((0, $.f))(1))]'],
    ['o.f(g(1))', 'return [($.o.f((0, $.g)(1)))]'],
    ['() => f()', 'return [(() => (0, $.f)())]'],
  ],
  'local names': [
    ['(a, { b }) => a + b + c', 'return [((a, { b }) => a + b + $.c)]'],
    [
      'try { f() } catch ({ message }) { g(message) }',
      'try { ;(0, $.f)() } catch ({ message }) { ;(0, $.g)(message) }',
    ],
    ['function f(b = x) { var x = 1; return arguments }', 'function f(b = $.x) { var x = 1; return arguments }'],
    ['switch (x) { case 1: let y = x; f(y) }', 'switch ($.x) { case 1: let y = $.x; ;(0, $.f)(y) }'],
    ['{ function f() {} f() }', '{ function f() {} f() }'],
    ['a: for (;;) { break a }', 'a: for (;;) { break a }'],
    [
      'class A { static #p = p; static { var v = A.#p; f(v) } [k] = v }',
      '$$.let.A = class A { static #p = $.p; static { var v = A.#p; ;(0, $.f)(v) } [$.k] = $.v };',
    ],
    ['$ => $ + $$ + x', 'return [($_ => $_ + $.$$ + $.x)]'],
  ],
  loops: [
    ['for (let i = 0; i < n; i++) f(() => i)', 'for (let i = 0; i < $.n; i++) (0, $.f)(() => i)'],
    ['for (var i = 0, j; i < 3; i++) f(i)', 'for ($.i = 0, void 0; $.i < 3; $.i++) (0, $.f)($.i)'],
    ['for (var [a, b] of o) f(a)', 'for ([$.a, $.b] of $.o) (0, $.f)($.a)'],
    ['for (const k in o) f(k)', 'for (const k in $.o) (0, $.f)(k)'],
    ['for (x of xs) ;', 'for ($.x of $.xs) ;'],
    ['for await (const { y } of s) f(y)', 'for await (const { value: { y } } of $$.iterate(($.s))) (0, $.f)(y)'],
    ['for await (var x of s) ;', 'for await ({ value: $.x } of $$.iterate(($.s))) ;'],
  ],
  awaits: [
    ['const x = await f()', '$$.const.x = $$.resume(await $$.hold((0, $.f)()));'],
    ['async () => (await a).b', 'return [(async () => ($$.resume(await $$.hold($.a))).b)]'],
    [
      'await Promise.all([await a, b]);',
      'return [($$.resume(await $$.hold(Promise.all([$$.resume(await $$.hold($.a)), $.b]))))];',
    ],
    ["const m = await import('m')", "$$.const.m = $$.resume(await $$.hold($$.import('m')));"],
  ],
  types: [
    ['const a: number = (b as any)!', '$$.const.a = ($.b );'],
    ['interface A { b: c }\ntype T = A', '\n'],
    ['const f = <T,>(a: T): T => a', '$$.const.f = {f: (a) => a}.f;'],
    [
      'class P { constructor(private a: number, readonly b = c) {} }',
      '$$.let.P = class P { constructor( a,  b = $.c) {;this.a = a;this.b = b;} };',
    ],
  ],
  'nothing to run': [
    ['', ''],
    ['// only words', '// only words'],
    ['/* a */\n', '/* a */\n'],
  ],
}

describe.each(Object.entries(CASES))('%s', (_, cases) => {
  it.each(cases)('%s', (source, code) => {
    expect(compiled(source)).toBe(code)
  })
})

it('rewrites an enumeration so that running its cell again starts it afresh', () => {
  const filled = '(function (E) { const A = 0; E[E["A"] = A] = "A"; })($.E || ($.E = {}))'
  expect(compiled('enum E { A }; 0')).toBe(`$.E = void 0; ${filled};; return [(0)]`)
})
