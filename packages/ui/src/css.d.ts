/** Vite turns a stylesheet import into a style sheet of the page; TypeScript only needs to know that it exists. */
declare module '*.css'
