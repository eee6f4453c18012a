import { perExampleCrossEntropy } from '@qgen/core';
import { CORRUPTIONS, corrupt, corruptionReport, VALIDATION_CORRUPTIONS } from '@qgen/corruptions';
import {
  fakeQuantBackward,
  fakeQuantForward,
  gelu,
  layerNormalization,
  randomBits,
  randomNormal,
  randomUniform,
} from '@qgen/kernels';
import {
  calibrate,
  dequantizeModel,
  expandSoftLabels,
  exportQuantized,
  fakeQuant,
  fakeQuantWithOffset,
  gapBoundArgument,
  initialStep,
  integerCodes,
  loadQuantized,
  noiseRegularizer,
  oscillations,
  quantizationNoise,
  quantizedWeights,
  quantizeModel,
  reestimateBatchNorm,
  softLabels,
} from '@qgen/lsq';
import {
  averageSharpness,
  enableSecondOrder,
  findAlpha,
  findSigma,
  generalizationGap,
  lossLandscape,
  measureFlatness,
  normMeasures,
  samSharpness,
  snapshot,
  weightNorms,
} from '@qgen/measures';
import {
  AdaptiveAveragePooling,
  deit,
  loadPyTorchWeights,
  mobileNetV2,
  pyTorchWeights,
  resnet18,
  swin,
  vgg19,
} from '@qgen/models';
import * as tf from '@tensorflow/tfjs-core';
import * as tl from '@tensorflow/tfjs-layers';
import { examples, prepared, RECIPES, smallNetwork } from '../../packages/lsq/test/recipes/every-recipe';

/** The work of the packages on a backend, in small: run on backends that have no other kernels than the audited ones. */
export const workloads: Readonly<Record<string, () => unknown | Promise<unknown>>> = {
  'kernels: fake quantization': () => {
    const x = images(2);
    fakeQuantForward(x, tf.scalar(0.1), { qn: -4, qp: 3 });
    fakeQuantBackward(tf.onesLike(x), x, tf.scalar(0.1), { qn: -4, qp: 3 });
    fakeQuantForward(x, tf.fill([1, 1, 1, 3], 0.1), { qn: -4, qp: 3, axis: 3, boundary: 'inclusive' });
    fakeQuantBackward(tf.onesLike(x), x, tf.fill([1, 1, 1, 3], 0.1), { qn: -4, qp: 3, axis: 3 });
  },
  'kernels: random numbers': () => {
    randomBits([7], { seed: 1 });
    randomUniform([7], { seed: 1, min: -1 });
    randomNormal([3, 5], { seed: 1, stream: 2, offset: 9, mean: 1 });
  },
  'kernels: gelu and layer normalization with their gradients': () => {
    const normalized = (v: tf.Tensor) => gelu(layerNormalization(v, tf.ones([3]), tf.zeros([3])));
    tf.grad((v) => tf.sum(normalized(v)))(images(2));
    tf.grad((v) => tf.sum(tf.mul(tf.tile(v, [1, 2, 1, 2]), 2)))(images(2));
  },
  'kernels: average pooling and batch normalization with their gradients': () => {
    const statistics = tf.ones([1, 8, 1, 1]) as tf.Tensor4D;
    const pooled = (v: tf.Tensor) =>
      tf.avgPool(
        tf.batchNorm(v as tf.Tensor4D, statistics, statistics, statistics, statistics),
        3,
        2,
        'same',
      ) as tf.Tensor;
    tf.grad((v) => tf.sum(pooled(v)))(images(2));
  },
  'kernels: cross-entropy': () => {
    const scores = tf.softmax(randomNormal([4, 3], { seed: 1 }));
    for (const kind of ['probabilities', 'logits'] as const)
      perExampleCrossEntropy(scores, tf.tensor1d([0, 1, 2, 0], 'int32'), kind);
  },
  'kernels: einsum and dilated convolutions with their gradients': () => {
    const [a, b] = [randomNormal([2, 3, 4], { seed: 1 }), randomNormal([2, 4, 5], { seed: 2 })];
    tf.grads((p, q) => tf.sum(tf.einsum('abc,acd->bd', p!, q!)))([a, b]);
    const filter = randomNormal([3, 3, 3, 2], { seed: 3 });
    const convolve = (x: tf.Tensor, f: tf.Tensor) =>
      tf.conv2d(x as tf.Tensor4D, f as tf.Tensor4D, 1, 'same', 'NHWC', 2);
    tf.grads((x, f) => tf.sum(convolve(x!, f!)))([images(2), filter]);
  },
  'lsq: operations with their gradients': () => {
    const x = images(2);
    const options = { bits: 3, axis: 3 } as const;
    const step = initialStep(x, options);
    for (const init of ['lsq+', 'mse'] as const) initialStep(x, { bits: 3, init });
    tf.grads((v, s) => tf.sum(fakeQuant(v!, s!, options)))([x, step]);
    tf.grads((v, s, o) => tf.sum(fakeQuantWithOffset(v!, s!, o!, { bits: 3, signed: false })))([
      x,
      tf.scalar(0.1),
      tf.scalar(0.2),
    ]);
    integerCodes(x, step, options);
  },
  'lsq: a quantized network trained, exported and read back': async () => {
    const model = await quantizeModel(network(), { bits: 3, activations: { bits: 4 } });
    await calibrate(model, images(4));
    await train(model);
    await quantizationNoise(model);
    await gapBoundArgument(model);
    quantizedWeights(model);
    await noiseRegularizer(model, images(4));
    await dequantizeModel(model);
    for (const format of ['tfjs', 'packed'] as const) {
      const loaded = await loadQuantized(tf.io.fromMemory(await exportQuantized(model, { format })));
      loaded.predict(images(2));
    }
  },
  'lsq: training recipes': async () => {
    for (const [name, recipe] of Object.entries(RECIPES)) {
      const model = await quantizeModel(smallNetwork(), {
        bits: 3,
        firstLast: 'same',
        activations: 4,
        ...recipe.quantization,
      });
      const { x, labels, teacher } = examples();
      const { train, finish } = prepared(model, [recipe]);
      await train(x, labels, teacher);
      if (name === 'freezing') await oscillations(model);
      finish();
      await reestimateBatchNorm(model, x);
      expandSoftLabels(await softLabels(model, x, { topK: 2 }), 3);
    }
  },
  'measures: searches and reports': async () => {
    const model = network();
    const initial = await snapshot(model);
    await train(model);
    const data = { xs: images(8), ys: labels(8) };
    await generalizationGap(model, data, data);
    await weightNorms(model, { initial });
    await findSigma(model, data, { seed: 1, relativeTolerance: 0.5 });
    await findAlpha(model, data, { seed: 1, magnitudeAware: true });
    await measureFlatness(model, data, {
      initial,
      seed: 1,
      measures: ['pacBayes.orig', 'sharpness.mag.orig'],
    });
  },
  'measures: sharpness, norms, landscape': async () => {
    const model = network();
    const data = { xs: images(8), ys: labels(8) };
    await samSharpness(model, data, { adaptive: true });
    await averageSharpness(model, data, { draws: 2 });
    await normMeasures(model, data, { initial: await snapshot(model) });
    await lossLandscape(model, data, { x: [0, 1], y: [0, 1], dimensions: 2 });
  },
  'measures: second derivatives': () => {
    const undo = enableSecondOrder();
    const x = images(1);
    const filter = randomNormal([2, 2, 3, 2], { seed: 1 });
    const loss = (f: tf.Tensor) => {
      const pooled = tf.maxPool(
        tf.relu(tf.conv2d(x as tf.Tensor4D, f as tf.Tensor4D, 1, 'same')) as tf.Tensor4D,
        2,
        2,
        0,
      );
      return tf.sum(tf.square(tf.softmax(tf.reshape(tf.avgPool(pooled, 2, 1, 'same'), [1, -1]))));
    };
    tf.grad((f) => tf.sum(tf.square(tf.grad(loss)(f))))(filter);
    undo();
  },
  'models: a training step and weights of every kind of architecture': () => {
    const small = { inputShape: [12, 12, 3], classes: 3 } as const;
    for (const model of [
      resnet18({ ...small, width: 2 }),
      mobileNetV2({ ...small, multiplier: 0.1 }),
      vgg19({ ...small, inputShape: [32, 32, 3], head: 'cifar', width: 1 }),
      deit({ ...small, patch: 4, embed: 4, heads: 2, depth: 1, dropPath: 0.5 }),
      swin({ ...small, patch: 2, embed: 4, heads: [1, 2], depths: [2, 2], window: 4, dropPath: 0.5 }),
    ]) {
      const xs = images(2, model.inputs[0]!.shape[2]!);
      tf.variableGrads(() => tf.sum<tf.Scalar>(tf.square(model.apply(xs, { training: true }) as tf.Tensor)));
      loadPyTorchWeights(model, pyTorchWeights(model));
      model.dispose();
    }
    const pool = new AdaptiveAveragePooling({ size: 5 });
    tf.grad((x) => tf.sum(pool.apply(x) as tf.Tensor))(images(2));
  },
  ...Object.fromEntries(
    [...CORRUPTIONS, ...VALIDATION_CORRUPTIONS].map((name) => [
      `corruptions: ${name}`,
      () => {
        for (const severity of [1, 5] as const)
          corrupt(tf.clipByValue(images(2, 32), 0, 1), name, { severity, preset: 'cifar-c' });
      },
    ]),
  ),
  'corruptions: a report': () =>
    corruptionReport(
      network(),
      { xs: tf.clipByValue(images(4), 0, 1), ys: labels(4) },
      { corruptions: ['brightness'], severities: [1], preset: 'cifar-c' },
    ),
};

const images = (batch: number, size = 8): tf.Tensor => randomUniform([batch, size, size, 3], { seed: batch });

const labels = (batch: number): Int32Array => Int32Array.from({ length: batch }, (_, i) => i % 3);

/** A convolutional network of three classes with a batch normalization. */
function network(): tl.LayersModel {
  return tl.sequential({
    layers: [
      tl.layers.conv2d({ inputShape: [8, 8, 3], filters: 4, kernelSize: 3, strides: 2, activation: 'relu' }),
      tl.layers.batchNormalization(),
      tl.layers.depthwiseConv2d({ kernelSize: 2 }),
      tl.layers.maxPooling2d({ poolSize: 2, strides: 1 }),
      tl.layers.flatten(),
      tl.layers.dense({ units: 3, activation: 'softmax' }),
    ],
  });
}

async function train(model: tl.LayersModel): Promise<void> {
  model.compile({ optimizer: tf.train.momentum(0.1, 0.9), loss: 'categoricalCrossentropy', metrics: ['accuracy'] });
  const y = tf.oneHot(tf.tensor1d(labels(8), 'int32'), 3);
  await model.fit(images(8), y, { epochs: 1, batchSize: 4, verbose: 0 });
}
