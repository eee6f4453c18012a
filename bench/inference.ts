/**
 * Inference at batches 1 to 4 with the training kernels registered against the stock kernels of tfjs-backend-wasm: matrix
 * products of classifier heads and embeddings, and a MobileNetV2 of 224 × 224. The kernels are exchanged in turns in one
 * process; each figure is the stock time over ours, the median over rounds, so that 1 is as fast and less is slower.
 */
import '@tensorflow/tfjs-backend-wasm';
import { registerKernels } from '@qgen/kernels/register';
import * as tf from '@tensorflow/tfjs-core';
import * as tl from '@tensorflow/tfjs-layers';
import { registered, use } from './networks/registered';

const ROUNDS = 41;

/** Milliseconds of processor time of one of `repetitions` runs. */
function time(work: () => tf.Tensor, repetitions: number): number {
  const before = process.cpuUsage();
  for (let i = 0; i < repetitions; i++) {
    const made = work();
    made.dataSync();
    made.dispose();
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000 / repetitions;
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!;

const weights = (shape: number[], seed: number) => tf.randomNormal(shape, 0, 0.1, 'float32', seed);

function products(): Record<string, () => tf.Tensor> {
  const product = (m: number, k: number, n: number, transposed: boolean) => {
    const [a, b] = [weights([m, k], 1), weights(transposed ? [n, k] : [k, n], 2)];
    return () => tf.matMul(a, b, false, transposed);
  };
  const dense = (m: number, k: number, n: number, activation: 'linear' | 'relu' | 'relu6' | 'sigmoid') => {
    const [a, b, bias] = [weights([m, k], 1) as tf.Tensor2D, weights([k, n], 2) as tf.Tensor2D, weights([n], 3)];
    return () => tf.fused.matMul({ a, b, bias, activation });
  };
  return {
    '[1,768] x [20000,768]^T': product(1, 768, 20000, true),
    '[2,768] x [20000,768]^T': product(2, 768, 20000, true),
    '[4,768] x [20000,768]^T': product(4, 768, 20000, true),
    '[1,1280] x [1280,1000]': product(1, 1280, 1000, false),
    '[2,1280] x [1280,1000]': product(2, 1280, 1000, false),
    '[3,1280] x [1280,1000]': product(3, 1280, 1000, false),
    '[4,1280] x [1280,1000]': product(4, 1280, 1000, false),
    '[1,512] x [512,512]': product(1, 512, 512, false),
    '[2,512] x [512,512]': product(2, 512, 512, false),
    '[8,1280] x [1280,1000]': product(8, 1280, 1000, false),
    '[16,1280] x [1280,1000]': product(16, 1280, 1000, false),
    '[8,768] x [20000,768]^T': product(8, 768, 20000, true),
    '[4,512] x [512,512]': product(4, 512, 512, false),
    '[1,64] x [64,10]': product(1, 64, 10, false),
    'dense 64 to 64, relu, batch 1': dense(1, 64, 64, 'relu'),
    'dense 64 to 64, relu, batch 4': dense(4, 64, 64, 'relu'),
    'dense 512 to 512, relu6, batch 2': dense(2, 512, 512, 'relu6'),
    'dense 1280 to 1000, batch 1': dense(1, 1280, 1000, 'linear'),
    'dense 64 to 64, sigmoid, batch 1': dense(1, 64, 64, 'sigmoid'),
  };
}

/** MobileNetV2 (Sandler et al. 2018, table 2): expansion, channels, repetitions, stride. */
const stages = [
  [1, 16, 1, 1],
  [6, 24, 2, 2],
  [6, 32, 3, 2],
  [6, 64, 4, 2],
  [6, 96, 3, 1],
  [6, 160, 3, 2],
  [6, 320, 1, 1],
] as const;

function mobileNetV2(): tl.LayersModel {
  const input = tl.input({ shape: [224, 224, 3] });
  type Node = typeof input;
  const unit = (x: Node, layer: object, activate: boolean): Node => {
    const y = tl.layers.batchNormalization().apply((layer as { apply(x: Node): Node }).apply(x)) as Node;
    return activate ? (tl.layers.activation({ activation: 'relu6' }).apply(y) as Node) : y;
  };
  const conv = (filters: number, kernelSize: number, strides: number) =>
    tl.layers.conv2d({ filters, kernelSize, strides, padding: 'same', useBias: false });
  let x = unit(input, conv(32, 3, 2), true);
  for (const [expansion, channels, repetitions, stride] of stages)
    for (let i = 0; i < repetitions; i++) {
      const width = x.shape[3]!;
      const strides = i === 0 ? stride : 1;
      let y = expansion === 1 ? x : unit(x, conv(expansion * width, 1, 1), true);
      y = unit(y, tl.layers.depthwiseConv2d({ kernelSize: 3, strides, padding: 'same', useBias: false }), true);
      y = unit(y, conv(channels, 1, 1), false);
      x = strides === 1 && channels === width ? (tl.layers.add().apply([x, y]) as Node) : y;
    }
  x = unit(x, conv(1280, 1, 1), true);
  x = tl.layers.globalAveragePooling2d({ dataFormat: 'channelsLast' }).apply(x) as Node;
  const outputs = tl.layers.dense({ units: 1000, activation: 'softmax' }).apply(x) as Node;
  return tl.model({ inputs: input, outputs });
}

function smallModels() {
  const { layers, sequential } = tl;
  return {
    'perceptron 64-64-10': {
      shape: [64],
      model: sequential({
        layers: [
          layers.dense({ inputShape: [64], units: 64, activation: 'relu' }),
          layers.dense({ units: 10, activation: 'softmax' }),
        ],
      }),
    },
    'convolutions on 28 x 28': {
      shape: [28, 28, 1],
      model: sequential({
        layers: [
          layers.conv2d({ inputShape: [28, 28, 1], filters: 8, kernelSize: 3, activation: 'relu' }),
          layers.maxPooling2d({ poolSize: 2 }),
          layers.conv2d({ filters: 16, kernelSize: 3, activation: 'relu' }),
          layers.batchNormalization(),
          layers.flatten(),
          layers.dense({ units: 10, activation: 'softmax' }),
        ],
      }),
    },
    'LSTM of 32 over 20 steps': {
      shape: [20, 8],
      model: sequential({ layers: [layers.lstm({ inputShape: [20, 8], units: 32 }), layers.dense({ units: 2 })] }),
    },
  };
}

export async function run() {
  await tf.setBackend('wasm');
  const stock = registered();
  await registerKernels();
  const ours = registered();
  const ratios: Record<string, number> = {};
  const milliseconds: Record<string, readonly [stock: number, ours: number]> = {};
  const compare = (name: string, work: () => tf.Tensor, rounds: number): void => {
    // A tenth of a second each fills the caches and lets V8 optimize; then as many runs as make a round last about 20 ms.
    const once = [stock, ours].map((kernels) => {
      use(kernels);
      for (let spent = 0; spent < 100; ) spent += time(work, 1);
      return time(work, 3);
    });
    const repetitions = Math.max(1, Math.ceil(20 / Math.max(...once)));
    const times: [stock: number, ours: number][] = [];
    for (let round = 0; round < rounds; round++) {
      const pair: [number, number] = [0, 0];
      for (const which of round % 2 === 0 ? [0, 1] : [1, 0]) {
        use(which === 0 ? stock : ours);
        pair[which] = time(work, repetitions);
      }
      times.push(pair);
    }
    ratios[name] = median(times.map(([before, after]) => before / after));
    milliseconds[name] = [median(times.map(([before]) => before)), median(times.map(([, after]) => after))];
  };
  for (const [name, work] of Object.entries(products())) compare(name, work, ROUNDS);
  for (const [name, { model, shape }] of Object.entries(smallModels()))
    for (const batch of [1, 4]) {
      const input = weights([batch, ...shape], 3);
      compare(`${name}, batch ${batch}`, () => model.predict(input) as tf.Tensor, ROUNDS);
    }
  const model = mobileNetV2();
  for (const batch of [1, 4]) {
    const images = weights([batch, 224, 224, 3], 3);
    compare(`MobileNetV2, batch ${batch}`, () => model.predict(images) as tf.Tensor, batch === 1 ? 15 : 7);
  }
  return { worst: Math.min(...Object.values(ratios)), ratios, milliseconds };
}
