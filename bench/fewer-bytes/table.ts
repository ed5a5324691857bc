/** The tables of `bench fewer-bytes`, in Markdown, each method against f32 of the same seeds. */
import { formatSize } from '../arguments.ts'
import { formatNumber } from '../figures.ts'
import type { Training } from './command.ts'
import { METHODS } from './methods.ts'
import type { TimeFigures } from './time.ts'

export function printTimes(times: readonly TimeFigures[], bytes: number): void {
  console.log(`\nCommunication of a step with ${formatSize(bytes)} of gradients, 2 tabs over WebRTC\n`)
  console.log('| method | ms (median) | fastest | slowest | f32 ÷ it | wanted |\n|---|---|---|---|---|---|')
  for (const { method, milliseconds, fasterThanF32 } of times) {
    const { median, fastest, slowest } = milliseconds
    const wanted = METHODS.find(({ name }) => name === method)?.wanted?.fasterThan
    console.log(
      `| ${method} | ${formatNumber(median)} | ${formatNumber(fastest)} | ${formatNumber(slowest)} | ${fasterThanF32.toFixed(2)} | ${wanted === undefined ? '' : `≥ ${wanted}`} |`,
    )
  }
}

export function printTrainings(task: Training['task'], trainings: readonly Training[]): void {
  const what = task === 'mnist' ? 'test accuracy, %' : 'test loss, nats a character'
  console.log(`\n${task}: ${what}\n`)
  console.log(
    `| method | bytes a step | fewer | ${what} | against f32 | by seed | wanted |\n|---|---|---|---|---|---|---|`,
  )
  const of = (name: string): Training[] => trainings.filter(({ method }) => method === name)
  const plain = of('f32')
  for (const { name, wanted } of METHODS) {
    const own = of(name)
    if (own.length === 0) continue
    const bytes = mean(own.map(({ bytesPerStep }) => bytesPerStep))
    const fewer = mean(plain.map(({ bytesPerStep }) => bytesPerStep)) / bytes
    const differences = own.map(
      ({ score, seed }) => score - (plain.find((other) => other.seed === seed)?.score ?? Number.NaN),
    )
    const digits = task === 'mnist' ? 2 : 3
    const signed = (value: number): string => `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(digits)}`
    const limits = [
      wanted?.fewerBytes === undefined ? '' : `≥ ${wanted.fewerBytes} × fewer bytes`,
      task === 'char' || wanted?.accuracyLoss === undefined ? '' : `≥ −${wanted.accuracyLoss}`,
    ]
    console.log(
      `| ${name} | ${Math.round(bytes).toLocaleString('en')} | ${formatNumber(fewer)} × | ${mean(own.map(({ score }) => score)).toFixed(digits)} | ${signed(mean(differences))} | ${differences.map(signed).join(' ')} | ${limits.filter(Boolean).join(', ')} |`,
    )
  }
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
