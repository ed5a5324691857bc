/** Engine messages quote compiled code; this puts them back into what the person wrote. */

const SCOPE_NAME = '([\\p{ID_Start}$_][\\p{ID_Continue}$]*)'

/** Only for errors that the engine itself made: a person's own message stays untouched. */
export function readableMessage(name: string, message: string): string {
  if (!/^(?:Type|Reference|Syntax|Range)Error$/.test(name)) return message
  const constant = /^Cannot assign to read only property '(.+)' of object '\[object Cells\]'$/.exec(message)?.[1]
  if (constant !== undefined) {
    return `Assignment to constant variable ${constant}: declare it with let, or run the cell that declares it again`
  }
  return message
    .replace(new RegExp(`\\(0\\s*,\\s*\\$\\.${SCOPE_NAME}\\)`, 'gu'), '$1')
    .replaceAll('$$.resume(...)', '(await …)')
    .replaceAll('$$.import', 'import')
    .replace(new RegExp(`(?<![\\w$.])\\$\\.${SCOPE_NAME}`, 'gu'), '$1')
}
