/**
 * What cannot be launched, said before anything starts. Not for: what cannot cross to a rank (the launcher's) or
 * devices that are missing (the launcher's too).
 */
import { RondoError } from '@rondo/protocol'

/** Throws BAD_ARGUMENT unless `fn` is a function; `call` is how it was passed, e.g. `fabric.launch`. */
export function checkFunction(call: string, fn: unknown): void {
  if (typeof fn === 'function') return
  const what =
    fn instanceof Promise ? 'a promise, the result of an async call' : fn === null ? 'null' : `of type ${typeof fn}`
  throw new RondoError(
    'BAD_ARGUMENT',
    `${call}(fn): fn is ${what}; it must be a function. Pass the function and not its call: ${call}(train, 3) and not ${call}(train(3)).`,
  )
}

/** Throws BAD_ARGUMENT when a function that gets a Fabric declares no parameter for it. */
export function checkTakesFabric(fn: (...args: never[]) => unknown): void {
  if (declaresParameter(fn)) return
  const { name } = fn
  const [call, subject, remedy] =
    name === ''
      ? ['() => …', 'the function', 'async (fabric, …) => …']
      : [name, name, `async function ${name}(fabric, …) { … }`]
  throw new RondoError(
    'BAD_ARGUMENT',
    `fabric.launch(${call}): ${subject} declares no parameter, but the Fabric of its rank is passed as the first one. Declare it: ${remedy}.`,
  )
}

/** `length` counts neither defaults nor rest parameters, so the text decides. */
function declaresParameter(fn: (...args: never[]) => unknown): boolean {
  if (fn.length > 0) return true
  const text = Function.prototype.toString.call(fn).replace(/\/\*[\s\S]*?\*\/|\/\/[^\n]*/g, '')
  // A bound or built-in function does not show its parameters.
  return text.includes('[native code]') || /^[^(]*\(\s*[^)\s]/.test(text)
}
