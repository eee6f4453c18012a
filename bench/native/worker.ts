/** One process of `bench -- native`: `worker.ts BACKEND JOB…` prints what each job took. `stock` is wasm without ours. */
import '@tensorflow/tfjs-backend-wasm';
import { setThreadsCount } from '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import { type LayersModel, layers, sequential } from '@tensorflow/tfjs-layers';
import { type BackendName, useBackend } from '../../test/backends';
import { fourConvolutions, networkInNetwork } from '../networks/network-in-network';

const [backend, ...jobs] = process.argv.slice(2);
/** Milliseconds: of the clock, and of the processor that this process used, which say more on a busy machine. */
export interface Time {
  readonly wall: number;
  readonly processor: number;
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!;
const medians = (times: readonly Time[]): Time => ({
  wall: median(times.map(({ wall }) => wall)),
  processor: median(times.map(({ processor }) => processor)),
});

function batch(size: number): { x: tf.Tensor; y: tf.Tensor } {
  const labels = Array.from({ length: size }, (_, i) => i % 10);
  return {
    x: tf.randomNormal([size, 32, 32, 3], 0, 1, 'float32', 1),
    y: tf.oneHot(tf.tensor1d(labels, 'int32'), 10),
  };
}

/** How long each piece of work took: they take turns, the first of which warms up. */
async function timed(pieces: readonly (() => unknown)[], rounds: number): Promise<Time[][]> {
  const times = pieces.map(() => [] as Time[]);
  for (let round = -1; round < rounds; round++)
    for (const [i, piece] of pieces.entries()) {
      const [start, before] = [performance.now(), process.cpuUsage()];
      await piece();
      const { user, system } = process.cpuUsage(before);
      const wall = performance.now() - start;
      if (round >= 0) times[i]!.push({ wall, processor: (user + system) / 1000 });
    }
  return times;
}

const stepper = (model: LayersModel, { x, y }: { x: tf.Tensor; y: tf.Tensor }) => {
  model.compile({ optimizer: tf.train.momentum(0.01, 0.9), loss: 'categoricalCrossentropy' });
  return () => model.trainOnBatch(x, y);
};

/** The measurement of each job, by name. */
const work: Record<string, () => Promise<Record<string, Time>>> = {
  async forward() {
    const model = fourConvolutions();
    const { x } = batch(128);
    const forward = async () => {
      const out = model.predictOnBatch(x) as tf.Tensor;
      await out.data();
      out.dispose();
    };
    return { forward: medians((await timed([forward], 9))[0]!) };
  },
  async step() {
    return { step: medians((await timed([stepper(fourConvolutions(), batch(128))], 9))[0]!) };
  },
  /** Quantized steps over the float step: medians over rounds of the ratio within one. */
  async quantized() {
    const { quantizeModel } = await import('@qgen/lsq');
    const float = networkInNetwork();
    const options = { bits: 4, firstLast: 'same' } as const;
    const models = [
      float,
      await quantizeModel(float, options),
      await quantizeModel(float, { ...options, activations: 4 }),
    ];
    const data = batch(128);
    const [float32, w4, w4a4] = await timed(
      models.map((model) => stepper(model, data)),
      3,
    );
    const ratio = (times: readonly Time[]) =>
      medians(
        times.map(({ wall, processor }, i) => ({
          wall: wall / float32![i]!.wall,
          processor: processor / float32![i]!.processor,
        })),
      );
    return { w4: ratio(w4!), w4a4: ratio(w4a4!) };
  },
  async resnet18() {
    const { resnet18 } = await import('@qgen/models');
    const logits = resnet18({ inputShape: [32, 32, 3], classes: 10, stem: 'cifar', width: 16 });
    const model = sequential({ layers: [logits, layers.softmax()] });
    return { resnet18: medians((await timed([stepper(model, batch(32))], 5))[0]!) };
  },
  /** A million normals, up to where TensorFlow has them. */
  async normal() {
    const { randomNormal } = await import('@qgen/kernels');
    let seed = 0;
    const draw = () => {
      const values = randomNormal([1e6], { seed: seed++ });
      tf.dispose([tf.slice(values, 0, 1), values]);
    };
    return { normal: medians((await timed([draw], 11))[0]!) };
  },
  /** The 15 at severity 3 on images of 224 × 224, an image. */
  async corruptions() {
    const { CORRUPTIONS, corrupt } = await import('@qgen/corruptions');
    const levels = Int32Array.from(tf.randomUniform([8 * 224 * 224 * 3], 0, 256, 'int32', 1).dataSync());
    const images = tf.tensor4d(levels, [8, 224, 224, 3], 'int32');
    const pieces = CORRUPTIONS.map((name) => () => {
      const out = corrupt(images, name, { preset: 'imagenet-c', severity: 3, seed: 1 });
      tf.dispose([tf.slice(out, [0, 0, 0, 0], [1, 1, 1, 1]), out]);
    });
    const all = (await timed(pieces, 3)).map(medians);
    const sum = (clock: keyof Time) => all.reduce((total, time) => total + time[clock] / 8, 0);
    return { corruptions: { wall: sum('wall'), processor: sum('processor') } };
  },
};

setThreadsCount(1);
await useBackend((backend === 'stock' ? 'wasm' : backend) as BackendName);
if (backend !== 'stock') await (await import('@qgen/kernels')).registerKernels();
const measured: Record<string, Time> = {};
for (const job of jobs) Object.assign(measured, await work[job]!());
console.log(JSON.stringify(measured));
process.exit(0);
