/**
 * How often intervals that are called 95 % hold what they are about: seven small nets of different kinds, trained here,
 * times 200 seeds, wasm backend. What is true comes from a run so long that its own error is an eighth of an interval's.
 *
 *     sigma, sigma'      `ci95` of `findSigma`, plain and magnitude-aware, at tolerances 0.03 and 0.1
 *     averageSharpness   `ci95`
 *     hessianTrace       `ci95` at tolerances 0.03 and 0.1, of 100 examples, Gauss-Newton (an exact trace takes hours)
 *     lossGap, accuracyGap   `ci95` of `generalizationGap` with 500 test examples, whose ends are those of `lossCi95` and
 *                        `accuracyCi95`
 *     ratio              `ratioCi95` of `compareModels`: a net and its twin with weights rounded to 4 bits
 *     tau                `tauInterval` of `rankMeasures`, of pools of 10, 30 and 100 models and three correlations
 *
 * Only what converged is counted, and `converged` tells how many that are. Of each measure coverage over the nets should
 * lie in 0.93 to 0.97, and of each cell the binomial interval of 99 % should meet 0.92 to 0.98.
 *
 * It takes about 40 minutes of one core and can be stopped and started again: results/coverage.jsonl holds a line for each
 * seed, and must be deleted when code has changed. QGEN_CELLS='^(sigma|ratio).*mlp' runs the cells whose name, measure |
 * net, that matches.
 */
import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { philoxNormals, philoxUniforms } from '@qgen/core';
import { registerKernels } from '@qgen/kernels';
import {
  averageSharpness,
  compareModels,
  findSigma,
  generalizationGap,
  hessianTrace,
  rankMeasures,
} from '@qgen/measures';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-wasm';
import { type Examples, NETS, type Net, type NetName, trainedNet } from './coverage/nets';
import { type Truth, trueAverageSharpness, trueSigma, trueTrace } from './coverage/truth';

const FILE = `${import.meta.dirname}/../results/coverage.jsonl`;
const SEEDS = 200;
const TEST_EXAMPLES = 500;

/** One interval of one net at one seed. */
interface Line {
  readonly cell: string;
  readonly seed: number;
  readonly status: string;
  readonly held: boolean;
  /** Of the estimate, in half widths of its interval: its sign tells to which side intervals miss. */
  readonly error: number;
}

/** An interval around an estimate. */
interface Estimate {
  readonly value: number;
  readonly interval: readonly [number, number];
  readonly status: string;
}

interface Cell {
  readonly measure: string;
  readonly net: string;
  truth(): Promise<Truth>;
  estimate(seed: number): Promise<Estimate>;
}

export async function run(): Promise<Readonly<Record<string, unknown>>> {
  await tf.setBackend('wasm');
  await registerKernels();
  mkdirSync(dirname(FILE), { recursive: true });
  const chosen = new RegExp(process.env.QGEN_CELLS ?? '');
  const lines = readLines();
  const cells: (Cell & { readonly name: string })[] = [];
  for (const cell of allCells()) {
    const name = `${cell.measure} | ${cell.net}`;
    if (chosen.test(name)) cells.push({ ...cell, name });
  }
  for (const cell of cells) await complete(cell, lines);
  return summary(cells, lines);
}

/** Makes the lines of a cell that are missing. */
async function complete(cell: Cell & { readonly name: string }, lines: Line[]): Promise<void> {
  const done = new Set(lines.filter((line) => line.cell === cell.name).map(({ seed }) => seed));
  if (done.size === SEEDS) return;
  const { value: truth } = await cell.truth();
  for (let seed = 0; seed < SEEDS; seed++) {
    if (done.has(seed)) continue;
    const { value, interval, status } = await cell.estimate(seed);
    const [low, high] = interval;
    const error = (2 * (value - truth)) / (high - low);
    const line: Line = { cell: cell.name, seed, status, held: low <= truth && truth <= high, error };
    lines.push(line);
    appendFileSync(FILE, `${JSON.stringify(line)}\n`);
  }
  process.stderr.write(`${cell.name}: ${lines.filter((line) => line.cell === cell.name && line.held).length}\n`);
}

function readLines(): Line[] {
  if (!existsSync(FILE)) return [];
  const whole = readFileSync(FILE, 'utf8').split('\n').slice(0, -1);
  return whole.map((line) => JSON.parse(line) as Line);
}

function summary(cells: readonly (Cell & { readonly name: string })[], lines: readonly Line[]) {
  const measures = [...new Set(cells.map(({ measure }) => measure))];
  return Object.fromEntries(
    measures.map((measure) => {
      const own = cells.filter((cell) => cell.measure === measure);
      const all = own.map(({ net, name }) => {
        const counted = lines.filter(({ cell, status }) => cell === name && status === 'converged');
        const held = counted.filter((line) => line.held).length;
        const tooHigh = counted.filter((line) => !line.held && line.error > 0).length;
        return { net, converged: counted.length, held, tooHigh };
      });
      const total = (of: 'converged' | 'held' | 'tooHigh') => all.reduce((sum, cell) => sum + cell[of], 0);
      const nets = Object.fromEntries(
        all.map(({ net, converged, held }) => [net, `${held}/${converged}${meets(held, converged) ? '' : ' (!)'}`]),
      );
      const coverage = Number((total('held') / total('converged')).toFixed(4));
      return [measure, { coverage, converged: total('converged'), tooHigh: total('tooHigh'), ...nets }];
    }),
  );
}

/** Whether the 99 % interval of a count (Wilson 1927) meets 0.92 to 0.98. */
function meets(held: number, of: number): boolean {
  if (of === 0) return true;
  const z2 = 2.575829 ** 2;
  const p = held / of;
  const centre = (p + z2 / (2 * of)) / (1 + z2 / of);
  const radius = (Math.sqrt(z2) * Math.sqrt((p * (1 - p)) / of + z2 / (4 * of * of))) / (1 + z2 / of);
  return centre + radius >= 0.92 && centre - radius <= 0.98;
}

function* allCells(): Generator<Cell> {
  for (const models of [10, 30, 100]) for (const correlation of [0, 0.6, 0.9]) yield tauCell(models, correlation);
  for (const name of NETS) yield* cellsOfNet(name);
}

function* cellsOfNet(net: NetName): Generator<Cell> {
  const opened = once(() => trainedNet(net));
  const sigmas = [false, true].map((magnitudeAware) =>
    once(async () => {
      const { model, train } = await opened();
      return sigmaOf(model, train, magnitudeAware);
    }),
  );
  for (const [k, truth] of sigmas.entries())
    for (const relativeTolerance of [0.1, 0.03])
      yield {
        measure: `${['sigma', "sigma'"][k]} ${relativeTolerance}`,
        net,
        truth,
        async estimate(seed) {
          const { model, train } = await opened();
          const found = await findSigma(model, train, { magnitudeAware: k === 1, relativeTolerance, seed });
          return logarithms(found.value, found.ci95, found.status);
        },
      };
  yield {
    measure: 'averageSharpness',
    net,
    async truth() {
      const { model, train } = await opened();
      return trueAverageSharpness(model, train);
    },
    async estimate(seed) {
      const { model, train } = await opened();
      const { value, ci95 } = await averageSharpness(model, train, { seed, batchSize: 1000 });
      return { value, interval: ci95, status: 'converged' };
    },
  };
  const trace = once(async () => {
    const { model, train } = await opened();
    return trueTrace(model, first(train, 100));
  });
  for (const relativeTolerance of [0.1, 0.03])
    yield {
      measure: `hessianTrace ${relativeTolerance}`,
      net,
      truth: trace,
      async estimate(seed) {
        const { model, train } = await opened();
        const options = { seed, relativeTolerance, maxProbes: 4000, curvature: 'gauss-newton' } as const;
        const { value, ci95, status } = await hessianTrace(model, first(train, 100), options);
        return { value, interval: ci95, status };
      },
    };
  const gap = async (sampled: (fresh: Examples) => Examples) => {
    const { model, train, fresh } = await opened();
    return generalizationGap(model, train, sampled(fresh), { batchSize: 1000 });
  };
  const whole = once(() => gap((fresh) => fresh));
  for (const kind of ['lossGap', 'accuracyGap'] as const)
    yield {
      measure: kind,
      net,
      truth: async () => ({ value: (await whole())[kind].value, standardError: 0 }),
      async estimate(seed) {
        const { value, ci95 } = (await gap((fresh) => sample(fresh, seed)))[kind];
        return { value, interval: ci95, status: 'converged' };
      },
    };
  yield {
    measure: 'ratio',
    net,
    async truth() {
      const { twin, train } = await opened();
      const own = await sigmas[0]!();
      const other = await sigmaOf(twin, train, false, own.pairs);
      // At most: what a draw does to both cancels.
      const standardError = Math.hypot(own.standardError, other.standardError);
      return { value: other.value - own.value, standardError };
    },
    async estimate(seed) {
      const { model, twin, train } = await opened();
      const { models } = await compareModels({ one: model, other: twin }, train, { seed });
      const { ratio, ratioCi95, status } = models.other!;
      return logarithms(ratio, ratioCi95, status === 'measured' ? 'converged' : status);
    },
  };
}

async function sigmaOf(model: Net['model'], data: Examples, magnitudeAware: boolean, pairs?: number) {
  const { value } = await findSigma(model, data, { magnitudeAware, seed: 2 ** 31, maxExamples: 2 ** 20 });
  return trueSigma(model, data, { near: value!, magnitudeAware, pairs });
}

/** Kendall's tau of normal pairs of correlation r is 2 asin(r) / pi. */
function tauCell(models: number, correlation: number): Cell {
  const rest = Math.sqrt(1 - correlation ** 2);
  return {
    measure: 'tau',
    net: `pool of ${models}, r = ${correlation}`,
    truth: async () => ({ value: (2 * Math.asin(correlation)) / Math.PI, standardError: 0 }),
    async estimate(seed) {
      const z = philoxNormals(2 * models, { seed, stream: 7 });
      const rows = Array.from({ length: models }, (_, i) => ({
        measure: z[2 * i]!,
        gap: correlation * z[2 * i]! + rest * z[2 * i + 1]!,
      }));
      const [ranked] = await rankMeasures(rows, { measures: ['measure'], gap: 'gap', seed });
      return { value: ranked!.kendall.tauA, interval: ranked!.tauInterval!, status: 'converged' };
    },
  };
}

function logarithms(value: number | null, ci95: readonly [number, number] | null, status: string): Estimate {
  const [low, high] = ci95 ?? [Number.NaN, Number.NaN];
  return { value: Math.log(value ?? Number.NaN), interval: [Math.log(low), Math.log(high)], status };
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

function first({ xs, ys, shape }: Examples, count: number): Examples {
  const stride = xs.length / ys.length;
  return { xs: xs.subarray(0, count * stride), ys: ys.subarray(0, count), shape };
}

/** Test examples drawn with replacement: independent, as the standard errors take them to be. */
function sample({ xs, ys, shape }: Examples, seed: number): Examples {
  const stride = xs.length / ys.length;
  const indices = Array.from(philoxUniforms(TEST_EXAMPLES, { seed, stream: 9 }), (u) => Math.floor(u * ys.length));
  const picked = new Float32Array(TEST_EXAMPLES * stride);
  for (const [i, index] of indices.entries()) picked.set(xs.subarray(index * stride, (index + 1) * stride), i * stride);
  return { xs: picked, ys: Int32Array.from(indices, (index) => ys[index]!), shape };
}
