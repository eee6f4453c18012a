/**
 * The cost of finding sigma, the noise that costs a net 10 points of training accuracy: the protocol of the literature
 * (bisection, ten passes over all training data a node) against `findSigma`'s default, on a Network-in-Network trained
 * here on the 10,000 CIFAR-10 images of ../shared/data, or where they are not at hand on gratings made here, wasm backend.
 *
 *     paperPasses, fastPasses   examples through the model, clean ones included, over the size of the data
 *     ratio, wallRatio          of the examples, and of the seconds
 *     relativeError             of the fast result, to the root through 1500 draws within 6 % of it
 *     coverage                  share of 95 % intervals, over 100 seeds on a golden net, that hold the golden sigma
 */
import { existsSync, readFileSync } from 'node:fs';
import { openData, philoxNormals, philoxUniforms, startWork } from '@qgen/core';
import { registerKernels } from '@qgen/kernels';
import { type FindSigmaOptions, findSigma } from '@qgen/measures';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import '@tensorflow/tfjs-backend-wasm';
import { cleanAnswers } from '../packages/measures/src/search/clean-answers';
import { createDraws } from '../packages/measures/src/search/sigma/draws';
import { openModel } from '../packages/measures/src/subject/open-model';

const CIFAR = `${import.meta.dirname}/../../shared/data/cifar-10-batches-bin`;
/** The learning rate falls to zero over this many epochs, or over this time where the machine is slow. */
const LEARNING_RATE = 6e-3;
const EPOCHS = 18;
const TRAINING_SECONDS = 240;
const SEEDS = 100;

export async function run(): Promise<Record<string, number | object>> {
  await tf.setBackend('wasm');
  await registerKernels();
  const cifar = existsSync(CIFAR);
  const data = cifar ? readCifar() : gratings();
  const { model, epochs, seconds } = await trainedNetwork(data);

  const timed = async (options: FindSigmaOptions) => {
    const start = performance.now();
    const result = await findSigma(model, data, options);
    return { ...result, wall: (performance.now() - start) / 1000 };
  };
  const fast = await timed({ seed: 1 });
  const paper = await timed({ seed: 1, protocol: 'paper' });
  const { root: converged, standardError } = await denseRoot(model, data, fast.value!);
  const { net, coverage, meanError, meanPasses } = await goldenCoverage();
  return {
    paperPasses: rounded(paper.passEquivalents),
    fastPasses: rounded(fast.passEquivalents),
    ratio: rounded(paper.passEquivalents / fast.passEquivalents),
    wallRatio: rounded(paper.wall / fast.wall),
    relativeError: rounded(Math.abs(fast.value! / converged - 1)),
    coverage,
    details: {
      data: cifar ? 'CIFAR-10' : 'gratings made here, as ../shared/data is not at hand',
      net: { epochs, trainingSeconds: rounded(seconds), accuracy: fast.accuracy, parameters: model.countParams() },
      fast: { value: fast.value, ci95: fast.ci95, status: fast.status, draws: fast.draws, seconds: rounded(fast.wall) },
      paper: { value: paper.value, status: paper.status, nodes: paper.trace.length, seconds: rounded(paper.wall) },
      converged: { value: converged, standardError: rounded(standardError) },
      paperError: rounded(Math.abs(paper.value! / converged - 1)),
      coverageNet: { net, seeds: SEEDS, meanError: rounded(meanError), meanPasses: rounded(meanPasses) },
    },
  };
}

interface Images {
  readonly xs: Float32Array;
  readonly ys: Int32Array;
  readonly shape: readonly number[];
}

/** The 10,000 training images as NHWC in [-1, 1]. */
function readCifar(): Images {
  const records = [1, 2, 3, 4, 5].map((batch) => readFileSync(`${CIFAR}/data_batch_${batch}.bin`));
  const bytes = Buffer.concat(records);
  const count = bytes.length / 3073;
  const xs = new Float32Array(count * 3072);
  const ys = new Int32Array(count);
  for (let i = 0; i < count; i++) {
    ys[i] = bytes[i * 3073]!;
    for (let c = 0; c < 3; c++)
      for (let pixel = 0; pixel < 1024; pixel++)
        xs[i * 3072 + pixel * 3 + c] = bytes[i * 3073 + 1 + c * 1024 + pixel]! / 127.5 - 1;
  }
  return { xs, ys, shape: [32, 32, 3] };
}

/** 10,000 gratings of five directions and two frequencies, of any phase, with noise, as NHWC in [-1, 1]. */
function gratings(): Images {
  const count = 10_000;
  const xs = philoxNormals(count * 3072, { seed: 1, stream: 0 }).map((noise) => 0.5 * noise);
  const uniforms = philoxUniforms(2 * count, { seed: 1, stream: 1 });
  const ys = Int32Array.from({ length: count }, (_, i) => Math.floor(10 * uniforms[2 * i]!));
  for (let i = 0; i < count; i++) {
    const angle = ((ys[i]! % 5) * Math.PI) / 5;
    const frequency = (2 * Math.PI * (ys[i]! < 5 ? 3 : 5)) / 32;
    for (let p = 0; p < 1024; p++) {
      const along = Math.floor(p / 32) * Math.sin(angle) + (p % 32) * Math.cos(angle);
      const wave = 0.5 * Math.sin(frequency * along + 2 * Math.PI * uniforms[2 * i + 1]!);
      for (let at = (i * 1024 + p) * 3; at < (i * 1024 + p + 1) * 3; at++)
        xs[at] = Math.max(-1, Math.min(1, xs[at]! + wave));
    }
  }
  return { xs, ys, shape: [32, 32, 3] };
}

/** Two blocks of one 3x3 and one 1x1 convolution, batch-normalized, then the mean over the image of ten 1x1 filters. */
function networkInNetwork(width: number): tfl.LayersModel {
  const input = tfl.input({ shape: [32, 32, 3] });
  const block = (x: tfl.SymbolicTensor, filters: number, kernelSize: number, strides: number, relu = true) => {
    const convolution = tfl.layers.conv2d({
      filters,
      kernelSize,
      strides,
      padding: 'same',
      useBias: false,
      kernelInitializer: tfl.initializers.heNormal({ seed: filters + kernelSize }),
    });
    const normalized = tfl.layers.batchNormalization({ momentum: 0.9 }).apply(convolution.apply(x));
    return (relu ? tfl.layers.reLU().apply(normalized) : normalized) as tfl.SymbolicTensor;
  };
  let x = block(input, width, 3, 2);
  x = block(x, width, 1, 1);
  x = block(x, 2 * width, 3, 2);
  x = block(x, 2 * width, 1, 1);
  x = block(x, 4 * width, 3, 2);
  x = block(x, 4 * width, 1, 1);
  x = block(x, 10, 1, 1, false);
  const outputs = tfl.layers.globalAveragePooling2d({}).apply(x) as tfl.SymbolicTensor;
  return tfl.model({ inputs: input, outputs });
}

async function trainedNetwork({ xs, ys, shape }: Images) {
  const model = networkInNetwork(24);
  const optimizer = tf.train.adam(LEARNING_RATE);
  model.compile({ optimizer, loss: (y, z) => tf.losses.softmaxCrossEntropy(y, z) });
  const images = tf.tensor(xs, [ys.length, ...shape]);
  const labels = tf.oneHot(tf.tensor1d(ys, 'int32'), 10);
  const start = performance.now();
  let epochs = 0;
  for (let done = 0; done < 1; ) {
    Object.assign(optimizer, { learningRate: LEARNING_RATE * Math.max(0.03, 1 - done) });
    await model.fit(images, labels, { epochs: 1, batchSize: 128, verbose: 0 });
    epochs++;
    done = Math.max(epochs / EPOCHS, (performance.now() - start) / 1000 / TRAINING_SECONDS);
  }
  tf.dispose([images, labels]);
  return { model, epochs, seconds: (performance.now() - start) / 1000 };
}

/** The root by least squares of a straight line in ln sigma, through draws too close together for its bend to matter. */
async function denseRoot(model: tfl.LayersModel, data: Images, near: number) {
  const subject = openModel(model, {}, 'bench');
  try {
    const examples = await openData(data, 'bench');
    const noise = { magnitudeAware: false, epsilon: 1e-3, convention: 'standard' } as const;
    const clean = cleanAnswers(examples.size);
    const progress = () => ({
      phase: '',
      scale: 0,
      estimate: null,
      ci95: null,
      bracket: null,
      draws: 0,
      examplesEvaluated: 0,
    });
    const options = { noise, seed: 1001, batchSize: 256, clean, work: startWork({}), progress };
    const draws = createDraws(subject, examples, options, 'bench');
    const points: [number, number][] = [];
    for (let i = 0; i < 1500; i++) {
      const x = 0.06 * (((i % 3) - 1) as number);
      points.push([x, await draws.subset(near * Math.exp(x), 128)]);
    }
    const mean = (f: (x: number, y: number) => number) =>
      points.reduce((sum, [x, y]) => sum + f(x, y), 0) / points.length;
    const [mx, my] = [mean((x) => x), mean((_, y) => y)];
    const slope = mean((x, y) => (x - mx) * (y - my)) / mean((x) => (x - mx) ** 2);
    const spread = Math.sqrt(mean((x, y) => (y - my - slope * (x - mx)) ** 2) / points.length);
    return { root: near * Math.exp(mx + (0.1 - my) / slope), standardError: spread / slope };
  } finally {
    subject.close();
  }
}

async function goldenCoverage() {
  // The tests' readers of goldens expect what their bundler defines.
  Object.assign(globalThis, { __ROOT__: `${import.meta.dirname}/..` });
  const { convNets, goldenNet, goldenOf } = await import('../packages/measures/test/golden-nets');
  const name = convNets.at(-1)!;
  const net = await goldenNet(name);
  const { variants } = await goldenOf<{ variants: { weights: { sigma: { value: number } } } }>('scales.json', name);
  const golden = variants.weights.sigma.value;
  let [covered, error, passes] = [0, 0, 0];
  for (let seed = 0; seed < SEEDS; seed++) {
    const { value, ci95, passEquivalents } = await findSigma(net.model, net.train, { seed });
    if (ci95![0] <= golden && golden <= ci95![1]) covered++;
    error += Math.log(value! / golden) / SEEDS;
    passes += passEquivalents / SEEDS;
  }
  return { net: name, coverage: covered / SEEDS, meanError: error, meanPasses: passes };
}

function rounded(value: number): number {
  return Number(value.toPrecision(4));
}
