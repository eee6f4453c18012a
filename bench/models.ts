/**
 * A training step of every architecture of `@qgen/models` on wasm (SGD with momentum, cross-entropy) over its forward pass
 * with the stock kernels of tfjs-backend-wasm, at batch 8 of 32×32 and at one image of 224×224; and the memory that is in
 * use when the forward pass of a step ends. Every case is a process of its own, because memory of wasm never shrinks.
 *
 * BENCH_MODELS names the cases to run, all by default; BENCH_ROUNDS the number of rounds, 5 by default.
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { cases, type Measured } from './models/cases';

const rounds = process.env.BENCH_ROUNDS ?? '5';
const wanted = process.env.BENCH_MODELS?.split(',') ?? Object.keys(cases);

export async function run(): Promise<Record<string, Measured>> {
  const worker = fileURLToPath(new URL('models/worker.ts', import.meta.url));
  const figures: Record<string, Measured> = {};
  for (const name of wanted) {
    const { stdout } = await promisify(execFile)(process.execPath, [...process.execArgv, worker, name, rounds]);
    figures[name] = JSON.parse(stdout.trim().split('\n').at(-1)!) as Measured;
  }
  return figures;
}
