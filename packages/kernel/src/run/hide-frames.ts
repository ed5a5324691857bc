/** Takes the kernel's own frames off the top of a stack, where the engine can. */

/** `from` and everything it called disappear from the stack of `error`, which is given back. */
export function hideFrames<E extends Error>(error: E, from: (...args: never[]) => unknown): E {
  const { captureStackTrace } = Error as { captureStackTrace?: (target: object, from: unknown) => void }
  captureStackTrace?.(error, from)
  return error
}
