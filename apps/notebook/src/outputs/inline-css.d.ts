/** Vite gives a stylesheet that is asked for with `?inline` as its text. */
declare module '*.css?inline' {
  const text: string
  export default text
}
