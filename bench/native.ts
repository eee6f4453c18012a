/**
 * The native backend (tfjs-node over TensorFlow's CPU kernels, as `npm run native` builds it) against wasm: a training
 * step, what quantization adds to it, random numbers and corruptions. `ninStep` is that of `bench -- wasm-training`, `w4`
 * and `w4a4` are those of `bench -- lsq-overhead`.
 *
 * TensorFlow fixes its number of threads when it starts, and importing @qgen/kernels replaces kernels of tfjs: each
 * configuration is a process of its own. They take turns, and the figures are medians over rounds of the ratio within a
 * round, of wall time and, under `processor`, of processor time, which says more of one thread on a busy machine.
 * `msNormal` is processor time. BENCH_ROUNDS sets the number of rounds, 3 by default.
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { findNative } from '../scripts/native.mjs';
import type { Time } from './native/worker';

const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 3);

const processes = {
  stock: { backend: 'stock', threads: 1, jobs: ['forward'] },
  wasm: { backend: 'wasm', threads: 1, jobs: ['step', 'resnet18', 'corruptions'] },
  native1: { backend: 'tensorflow', threads: 1, jobs: ['step', 'quantized', 'resnet18', 'normal', 'corruptions'] },
  native2: { backend: 'tensorflow', threads: 2, jobs: ['step', 'resnet18'] },
} as const;

type Name = keyof typeof processes;
type Round = Record<Name, Record<string, Time>>;

async function measure({ backend, threads, jobs }: (typeof processes)[Name]): Promise<Record<string, Time>> {
  const worker = fileURLToPath(new URL('native/worker.ts', import.meta.url));
  const env = {
    ...process.env,
    QGEN_NATIVE: findNative(),
    TF_CPP_MIN_LOG_LEVEL: '2',
    TF_NUM_INTRAOP_THREADS: String(threads),
    OMP_NUM_THREADS: String(threads),
  };
  const { stdout } = await promisify(execFile)(process.execPath, [...process.execArgv, worker, backend, ...jobs], {
    env,
  });
  return JSON.parse(stdout.trim().split('\n').at(-1)!) as Record<string, Time>;
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!;

/** The figures of one round by one clock. */
function ratios({ stock, wasm, native1, native2 }: Round, clock: keyof Time): Record<string, number> {
  const over = (a: Time, b: Time) => a[clock] / b[clock];
  return {
    ninStepOverStockForward1: over(native1.step!, stock.forward!),
    ninStepOverStockForward2: over(native2.step!, stock.forward!),
    ninStepOverWasmStep1: over(native1.step!, wasm.step!),
    ninStepOverWasmStep2: over(native2.step!, wasm.step!),
    w4: native1.w4![clock],
    w4a4: native1.w4a4![clock],
    corruptionsOverWasm: over(native1.corruptions!, wasm.corruptions!),
    resnet18OverWasm: over(native1.resnet18!, wasm.resnet18!),
    resnet18OverWasm2: over(native2.resnet18!, wasm.resnet18!),
  };
}

export async function run(): Promise<Record<string, unknown>> {
  if (!findNative()) throw new Error('bench native: the native backend is not set up here; npm run native builds it');
  const rounds: Round[] = [];
  const names = Object.keys(processes) as Name[];
  for (let i = 0; i < ROUNDS; i++) {
    const round: Partial<Round> = {};
    for (let turn = 0; turn < names.length; turn++) {
      const name = names[(turn + i) % names.length]!;
      round[name] = await measure(processes[name]);
    }
    rounds.push(round as Round);
  }
  const over = (value: (round: Round) => number) => Number(median(rounds.map(value)).toPrecision(3));
  const figures = (clock: keyof Time) =>
    Object.fromEntries(
      Object.keys(ratios(rounds[0]!, clock)).map((name) => [name, over((r) => ratios(r, clock)[name]!)]),
    );
  const milliseconds = Object.fromEntries(
    names.map((name) => [
      name,
      Object.fromEntries(
        Object.keys(rounds[0]![name])
          .filter((field) => !field.startsWith('w4'))
          .map((field) => [field, over((round) => round[name][field]!.wall)]),
      ),
    ]),
  );
  return {
    ...figures('wall'),
    msNormal: over(({ native1 }) => native1.normal!.processor),
    processor: figures('processor'),
    milliseconds,
    rounds: ROUNDS,
  };
}
