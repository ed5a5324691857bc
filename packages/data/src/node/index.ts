export { type MnistFile, mnistFiles } from './mnist-files.ts'
