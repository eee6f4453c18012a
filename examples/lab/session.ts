import { perExampleCrossEntropy } from '@qgen/core';
import { type CorruptionName, corrupt } from '@qgen/corruptions';
import { dequantizeModel, quantizedWeights, quantizeModel } from '@qgen/lsq';
import { lossLandscape } from '@qgen/measures';
import * as tf from '@tensorflow/tfjs-core';
import { type LayersModel, layers, loadLayersModel, sequential } from '@tensorflow/tfjs-layers';
import type { LayerWeights, LossPoint, ModelFiles, Picture } from './protocol';

const SIDE = 28;
const CLASSES = 10;
const BATCH = 50;
const EVALUATED = 500;

interface Examples {
  readonly xs: tf.Tensor4D;
  readonly ys: Int32Array;
}

/** A network that is being trained on the digits, and everything that the page shows of it. */
export interface Session {
  readonly step: number;
  readonly bits: number;
  readonly layers: readonly string[];
  trainStep(): Promise<void>;
  losses(): Promise<LossPoint>;
  setBits(bits: number): Promise<void>;
  steps(): Promise<{ layer: string; step: number }[]>;
  weights(layer: number): Promise<LayerWeights>;
  landscape(size: number, onRow: (losses: readonly number[]) => void, signal: AbortSignal): Promise<void>;
  corrupted(
    picture: Picture | null,
    name: CorruptionName,
    severity: number,
  ): Promise<{ clean: Picture; corrupted: Picture; probabilities: number[] }>;
  load(files: ModelFiles): Promise<void>;
}

export function openSession(bytes: Uint8Array): Session {
  const size = bytes.length / (SIDE * SIDE + 1);
  const testSize = size / 3;
  const split = (from: number, to: number): Examples => ({
    xs: tf.tidy(() =>
      tf.div(
        tf.tensor4d(bytes.subarray(from * SIDE * SIDE, to * SIDE * SIDE), [to - from, SIDE, SIDE, 1], 'float32'),
        255,
      ),
    ),
    ys: Int32Array.from(bytes.subarray(size * SIDE * SIDE + from, size * SIDE * SIDE + to)),
  });
  const train = split(0, size - testSize);
  const test = split(size - testSize, size);

  let model = network();
  let step = 0;
  let bits = 32;
  compile(model);

  const quantize = async (float: LayersModel): Promise<LayersModel> => {
    const made = bits === 32 ? float : await quantizeModel(float, { bits, firstLast: 'same' });
    if (made !== float) float.dispose();
    compile(made);
    return made;
  };
  /** The float weights behind the model, as a model of their own. */
  const latent = async (): Promise<LayersModel> =>
    bits === 32 ? model : dequantizeModel(model, { weights: 'latent' });

  return {
    get step() {
      return step;
    },
    get bits() {
      return bits;
    },
    get layers() {
      return kernels(model).map(({ layer }) => layer);
    },
    async trainStep() {
      const start = (step * BATCH) % (train.ys.length - BATCH + 1);
      const xs = tf.slice(train.xs, start, BATCH);
      const ys = oneHot(train.ys.subarray(start, start + BATCH));
      await model.trainOnBatch(xs, ys);
      tf.dispose([xs, ys]);
      step++;
    },
    async losses() {
      const [onTrain, onTest] = [await evaluate(model, train), await evaluate(model, test)];
      return { step, bits, train: onTrain.loss, test: onTest.loss, accuracy: onTest.accuracy };
    },
    async setBits(next) {
      const float = await latent();
      if (float !== model) model.dispose();
      bits = next;
      model = await quantize(float);
    },
    steps: () =>
      Promise.all(
        quantizedWeights(model).map(async (weight) => ({
          layer: weight.layer,
          step: Math.abs((await weight.step.data())[0]),
        })),
      ),
    async weights(index) {
      const kernel = kernels(model)[index];
      const quantized = quantizedWeights(model)[index];
      const values = (await kernel.variable.data()) as Float32Array;
      if (!quantized) return { layer: kernel.layer, weights: values.slice(), bins: [] };
      const s = Math.abs((await quantized.step.data())[0]);
      const { qn, qp } = quantized;
      const bins = Array.from({ length: qp - qn + 1 }, (_, i) => (qn + i) * s);
      return { layer: kernel.layer, weights: values.slice(), bins };
    },
    async landscape(size, onRow, signal) {
      const at = Array.from({ length: size }, (_, i) => -1 + (2 * i) / (size - 1));
      const xs = tf.slice(train.xs, 0, 100);
      try {
        await lossLandscape(
          model,
          { xs, ys: train.ys.subarray(0, 100) },
          { dimensions: 2, x: at, y: at, seed: 1, signal, onRow: ({ loss }) => onRow(loss) },
        );
      } finally {
        xs.dispose();
      }
    },
    async corrupted(picture, name, severity) {
      const clean = picture
        ? tf.tensor3d(picture, [SIDE, SIDE, 1])
        : tf.tidy(() => tf.reshape(tf.slice(test.xs, 0, 1), [SIDE, SIDE, 1]));
      const image = corrupt(clean, name, { severity, preset: 'cifar-c', seed: 1 });
      const scores = tf.tidy(() => tf.softmax(model.predict(tf.expandDims(image, 0)) as tf.Tensor));
      const [before, after, probabilities] = await Promise.all([clean.data(), image.data(), scores.data()]);
      tf.dispose([clean, image, scores]);
      return {
        clean: Float32Array.from(before),
        corrupted: Float32Array.from(after),
        probabilities: Array.from(probabilities),
      };
    },
    async load(files) {
      const loaded = await readModel(files);
      model.dispose();
      step = 0;
      model = await quantize(loaded);
    },
  };
}

/** Two convolutions and a dense layer; returns logits. */
function network(): LayersModel {
  const convolution = { kernelSize: 3, strides: 2, activation: 'relu', kernelInitializer: 'heNormal' } as const;
  return sequential({
    layers: [
      layers.conv2d({ ...convolution, inputShape: [SIDE, SIDE, 1], filters: 8, name: 'conv1' }),
      layers.conv2d({ ...convolution, filters: 16, name: 'conv2' }),
      layers.flatten(),
      layers.dense({ units: CLASSES, name: 'dense' }),
    ],
  });
}

function compile(model: LayersModel): void {
  model.compile({
    optimizer: tf.train.momentum(0.03, 0.9),
    loss: (labels, logits) => tf.losses.softmaxCrossEntropy(labels, logits),
  });
}

function kernels(model: LayersModel): { layer: string; variable: tf.Variable }[] {
  const quantized = quantizedWeights(model);
  if (quantized.length) return quantized.map(({ layer, latent }) => ({ layer, variable: latent }));
  return model.layers.flatMap((layer) => {
    const weight = layer.weights.find(({ originalName }) => originalName.endsWith('/kernel'));
    return weight ? [{ layer: layer.name, variable: weight.read() as tf.Variable }] : [];
  });
}

async function evaluate(model: LayersModel, { xs, ys }: Examples): Promise<{ loss: number; accuracy: number }> {
  const results = tf.tidy(() => {
    const logits = model.predict(tf.slice(xs, 0, EVALUATED)) as tf.Tensor;
    const labels = tf.tensor1d(ys.subarray(0, EVALUATED), 'int32');
    const right = tf.equal(tf.argMax(logits, 1), labels);
    return [tf.mean(perExampleCrossEntropy(logits, labels, 'logits')), tf.mean(tf.cast(right, 'float32'))];
  });
  const [[loss], [accuracy]] = await Promise.all(results.map((result) => result.data()));
  tf.dispose(results);
  return { loss, accuracy };
}

function oneHot(labels: Int32Array): tf.Tensor {
  return tf.tidy(() => tf.oneHot(tf.tensor1d(labels, 'int32'), CLASSES));
}

/** A LayersModel from its files; throws an Error that says why it is none, or not one for these digits. */
async function readModel({ topology, weights }: ModelFiles): Promise<LayersModel> {
  let json: {
    modelTopology?: object;
    weightsManifest?: { paths: string[]; weights: tf.io.WeightsManifestEntry[] }[];
    format?: string;
  };
  try {
    json = JSON.parse(topology);
  } catch {
    throw new Error('the .json file is no JSON; choose model.json and its .bin files together');
  }
  if (json?.format === 'graph-model')
    throw new Error('this is a GraphModel, which cannot be trained; save it as a LayersModel');
  if (!json?.modelTopology || !json.weightsManifest)
    throw new Error('this is no LayersModel: modelTopology or weightsManifest is missing');
  const paths = json.weightsManifest.flatMap(({ paths }) => paths);
  const missing = paths.filter((path) => !weights.some(({ name }) => name === path.split('/').pop()));
  if (missing.length)
    throw new Error(`the weights ${missing.join(', ')} are missing; choose them together with model.json`);
  const weightData = paths.map((path) => weights.find(({ name }) => name === path.split('/').pop())!.bytes);
  const weightSpecs = json.weightsManifest.flatMap(({ weights }) => weights);
  const loaded = await loadLayersModel(
    tf.io.fromMemory({ modelTopology: json.modelTopology, weightSpecs, weightData }),
  );
  const takes = loaded.inputs.map(({ shape }) => `[${shape.slice(1)}]`).join();
  const gives = loaded.outputs.map(({ shape }) => `[${shape.slice(1)}]`).join();
  if (takes === `[${[SIDE, SIDE, 1]}]` && gives === `[${CLASSES}]`) return loaded;
  loaded.dispose();
  throw new Error(`the model takes ${takes} and gives ${gives}; these digits need [28,28,1] to [10]`);
}
