/** `npm run bench -- COMMAND`: picks the bench, prints refusals as one sentence, sets the exit code. */
import { RondoError } from '@rondo/protocol'
import { exitCodeOfError } from '../packages/cli/src/process/exit-code.ts'

const HELP = `npm run bench -- COMMAND [OPTIONS]

  allreduce   time, bandwidth and efficiency of an all-reduce, beside the bare carrier in the same tabs
    --ranks 2,4                      numbers of ranks
    --sizes 4KiB,64KiB,1MiB,16MiB    bytes that each rank contributes
    --carriers webrtc,port,shared,memory    what carries them: between tabs, or shared memory between the workers of
                                     one page; memory is one thread in Node
    --json FILE                      write the figures there too
    --repetitions N                  timed repetitions of each case (as many as fit into 20 s, 5 at least)
    --firsts N                       so often the very first all-reduce of a new group, of the largest size (0)
    --browser PATH                   the Chrome, Chromium or Edge to use

  cpu         a 512³ product and training steps on wasm, beside PyTorch on as many threads where it is installed
    --workloads product,product-ta,product-tb,mlp,conv,transformer
    --in chromium,node               where the engine runs (chromium)
    --threads N   --rounds N   --repetitions N   --kernels yes   --json FILE   --browser PATH

  algorithms  all-reduces of 2 to 256 ranks on simulated networks: what is chosen beside what is fastest
    --json FILE                      write the figures there too

  codecs      what wire codecs cost per byte, by vectors and by plain loops
    --json FILE                      write the figures there too

  engine      a training step of the example net on wasm and on cpu
    --json FILE   --threads N   --steps N   --kernels

  gpu         WebGPU: adapter, what a step asks of the device, transfers, kernels, ours beside tfjs's and PyTorch's
    --json FILE   --browser PATH

  local       an all-reduce between two ranks of this machine, beside PyTorch's gloo in turns where it is installed
    --carriers shared,port           workers of one page that share memory; two tabs of one browser
    --sizes 4MiB,16MiB   --repetitions N (15)   --json FILE   --browser PATH

  memory      what a rank of the MNIST example takes while it trains (Linux)
    --ranks N   --seconds N   --json FILE

  network     what a WebRTC link moves through delay and loss, by the number of its peer connections
    --paths 0ms,20ms,20ms/0.1%       round trip added and packets lost each way
    --connections 1,2,4,8,auto       fixed numbers of peer connections, and the link's own choice
    --seconds 3+4                    of each transfer: before its rate is looked at, and while it is
    --json FILE   --browser PATH

  fewer-bytes each way of sending gradients, or none, against f32: time over WebRTC, bytes, accuracy
    --parts time,mnist,char          what to measure; the trainings run in Node, all ranks in one thread
    --methods f32,f16,int8           some of those that are compared
    --net cnn|mlp                    of MNIST: the example's, or 784-128-10
    --seeds N   --epochs N   --steps N   --ranks N   --size 4MiB   --repetitions N   --json FILE

  notebook    how fast the notebook is: loading, typing, printing, launching, the first training step
    --parts size,page,keys,log,launch,mnist    what to measure
    --repetitions N                  of each figure (5); one of mnist takes half a minute
    --json FILE                      write the figures there too
    --browser PATH                   the Chrome, Chromium or Edge to use
    For example: npm run bench -- notebook --parts page,keys --repetitions 3

  overlap     how much of the communication a step waits for, with and without overlap, on the char transformer
    --ranks 2   --carrier webrtc     who trains, and over what
    --hook fp16                      the communication hook; fp32 for none
    --width 96  --depth 4  --heads 4  --context 64  --batch 24  --steps 20    model, windows a rank, measured steps
    --json FILE                      write the figures there too

  page        the join page's longest main-thread tasks while its rank trains

  server      one signaling server with thousands of members: message delay, CPU, a large session
    --members 10000 --sessions 1000 --seconds 20 --clients 3 --form 256 --json FILE

  start       from "rondo run" to the first step of two ranks, part by part
    --repetitions N   --json FILE

  help        this text`

const COMMANDS = [
  'algorithms',
  'allreduce',
  'codecs',
  'cpu',
  'engine',
  'fewer-bytes',
  'gpu',
  'local',
  'memory',
  'network',
  'notebook',
  'overlap',
  'page',
  'server',
  'start',
  'help',
] as const

async function main([command, ...words]: readonly string[]): Promise<number> {
  const asksForHelp = words.includes('--help') || words.includes('-h')
  switch (asksForHelp ? 'help' : command) {
    case undefined:
    case 'help':
    case '--help':
    case '-h':
      console.log(HELP)
      return command === undefined ? 2 : 0
    case 'algorithms': {
      const { algorithmsCommand } = await import('./algorithms/command.ts')
      algorithmsCommand(words)
      return 0
    }
    case 'codecs': {
      const { codecsCommand } = await import('./codecs.ts')
      codecsCommand(words)
      return 0
    }
    case 'allreduce': {
      const { allReduceCommand } = await import('./allreduce/command.ts')
      await allReduceCommand(words)
      return 0
    }
    case 'cpu': {
      const { cpuCommand } = await import('./cpu/command.ts')
      await cpuCommand(words)
      return 0
    }
    case 'engine':
      // That bench reads its options from the command line of its own.
      process.argv = [process.argv[0]!, process.argv[1]!, ...words]
      await import('./engine-step.ts')
      return 0
    case 'gpu': {
      const { gpuCommand } = await import('./gpu/command.ts')
      await gpuCommand(words)
      return 0
    }
    case 'memory': {
      const { memoryCommand } = await import('./memory/command.ts')
      await memoryCommand(words)
      return 0
    }
    case 'network': {
      const { networkCommand } = await import('./network/command.ts')
      await networkCommand(words)
      return 0
    }
    case 'local': {
      const { sameMachineCommand } = await import('./same-machine/command.ts')
      await sameMachineCommand(words)
      return 0
    }
    case 'fewer-bytes': {
      const { fewerBytesCommand } = await import('./fewer-bytes/command.ts')
      await fewerBytesCommand(words)
      return 0
    }
    case 'notebook': {
      const { notebookCommand } = await import('./notebook/command.ts')
      await notebookCommand(words)
      return 0
    }
    case 'overlap': {
      const { overlapCommand } = await import('./overlap/command.ts')
      await overlapCommand(words)
      return 0
    }
    case 'page': {
      const { pageTasksCommand } = await import('./page-tasks.ts')
      await pageTasksCommand()
      return 0
    }
    case 'start': {
      const { startCommand } = await import('./start/command.ts')
      await startCommand(words)
      return 0
    }
    case 'server': {
      const { serverCommand } = await import('./server/command.ts')
      await serverCommand(words)
      return 0
    }
    default:
      throw new RondoError(
        'BAD_ARGUMENT',
        `"${command}" is no bench. Allowed are ${COMMANDS.join(', ')}. Write npm run bench -- help.`,
      )
  }
}

main(process.argv.slice(2)).then(
  (code) => process.exit(code),
  (thrown: unknown) => {
    console.error(thrown instanceof RondoError ? thrown.message : thrown)
    process.exit(exitCodeOfError(thrown))
  },
)
