/**
 * The commands of `rondo` as a table: words, flags, one line of help and examples each. Help texts, shell completion
 * and the message about an unknown command come from here. Not for: doing them (main.ts).
 */
import { CONSOLIDATE_FLAGS, EXEC_FLAGS, type Flag, RUN_FLAGS, SERVE_ONLY_FLAGS } from './args/flags.ts'

export interface CommandEntry {
  /** Words after the command's name, as help writes them. */
  words: string
  help: string
  flags: Readonly<Record<string, Flag>>
  examples: readonly string[]
  /** What the first word may be, where it is one of a few. */
  choices?: readonly string[]
  /** Flags it does not know go to the script. */
  passesOn?: true
}

export const SHELLS = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof SHELLS)[number]

/** Flags of `rondo run` that mean something to a server. */
const SERVE_FLAGS = ['main-port', 'session', 'accelerator', 'strategy', 'precision', 'process-group-backend', 'log-dir']

const pick = (names: readonly string[]): Record<string, Flag> =>
  Object.fromEntries(Object.entries(RUN_FLAGS).filter(([name]) => names.includes(name)))

export const COMMANDS: Readonly<Record<string, CommandEntry>> = {
  run: {
    words: '[OPTIONS] SCRIPT [SCRIPT_ARGS]...',
    help: 'Train: run a script on several ranks',
    flags: RUN_FLAGS,
    examples: [
      'rondo run examples/mnist/train.ts --devices 2 --epochs 3',
      'rondo run --devices=4 --strategy=ddp --precision=16-mixed ./digits.ts --lr 0.1',
      'rondo run --num-nodes=2 --node-rank=1 --main-address=192.0.2.10 --devices=4 ./digits.ts',
      'rondo run --devices=auto --dry-run ./digits.ts',
    ],
    passesOn: true,
  },
  exec: {
    words: '[OPTIONS] SCRIPT [SCRIPT_ARGS]...',
    help: 'Open one page on a script, as python train.py would; its launch() asks for further ranks',
    flags: EXEC_FLAGS,
    examples: ['rondo exec ./digits.ts --lr 0.1', 'rondo exec --headed ./digits.ts'],
    passesOn: true,
  },
  serve: {
    words: '[OPTIONS] [SCRIPT] [SCRIPT_ARGS]...',
    help: 'Open the notebook, and gather browsers by a link',
    flags: { ...pick(SERVE_FLAGS), ...SERVE_ONLY_FLAGS },
    examples: ['rondo serve', 'rondo serve --no-open --main-port 8080 ./digits.ts'],
    passesOn: true,
  },
  doctor: {
    words: '',
    help: 'Find out what works on this machine',
    flags: pick(['browser']),
    examples: ['rondo doctor', 'rondo doctor --browser /usr/bin/chromium'],
  },
  consolidate: {
    words: 'FOLDER [--output-file FILE]',
    help: 'Join a sharded checkpoint into one file, which every number of ranks can load',
    flags: CONSOLIDATE_FLAGS,
    examples: [
      'rondo consolidate runs/k3/big.ckpt',
      'rondo consolidate runs/k3/big.ckpt --output-file big.safetensors',
    ],
  },
  build: {
    words: '',
    help: 'Build the pages and the runtime, if their sources changed',
    flags: {},
    examples: ['rondo build'],
  },
  browser: {
    words: '',
    help: 'Print the path of the browser that is used, installing one if there is none',
    flags: {},
    examples: ['rondo browser'],
  },
  completion: {
    words: SHELLS.join('|'),
    help: 'Print a script that completes commands, flags and their values in a shell',
    flags: {},
    examples: [
      'source <(rondo completion bash)',
      'source <(rondo completion zsh)',
      'rondo completion fish > ~/.config/fish/completions/rondo.fish',
    ],
    choices: SHELLS,
  },
}
