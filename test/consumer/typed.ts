import '@tensorflow/tfjs-backend-wasm';
import { CORRUPTIONS, type CorruptionName, corrupt } from '@qgen/corruptions';
import { randomNormal } from '@qgen/kernels/random';
import { registerKernels } from '@qgen/kernels/register';
import { fakeQuant, quantizationRange, quantizeModel } from '@qgen/lsq';
import { type FlatnessReport, measureFlatness, snapshot } from '@qgen/measures';
import { loadPyTorchWeights, pyTorchWeights, readSafetensors, resnet18, writeSafetensors } from '@qgen/models';
import * as tf from '@tensorflow/tfjs-core';
import { layers, sequential } from '@tensorflow/tfjs-layers';

export async function everything(images: tf.Tensor4D, labels: tf.Tensor2D): Promise<FlatnessReport> {
  const name: CorruptionName = CORRUPTIONS[0] ?? 'gaussian_noise';
  await registerKernels();
  const shift: tf.Tensor<tf.Rank.R4> = randomNormal<tf.Rank.R4>([1, 8, 8, 3], { seed: 1 });
  const noisy: tf.Tensor = corrupt(images, name, { severity: 3, preset: 'cifar-c' });
  corrupt(images, ['fog', 'contrast'], { parameters: [[1.5, 2], 0.4], firstIndex: Int32Array.of(3, 1) });
  // @ts-expect-error fog has two parameters
  corrupt(images, 'fog', { parameters: 1.5 });
  // @ts-expect-error a severity and parameters
  corrupt(images, 'contrast', { severity: 3, preset: 'cifar-c', parameters: 0.4 });
  // @ts-expect-error a corruption that there isn't
  corrupt(images, 'moire', { severity: 3 });
  // @ts-expect-error a severity that there isn't
  corrupt(images, 'fog', { severity: 6 });

  const { qn, qp } = quantizationRange({ bits: 4 });
  const onGrid: tf.Tensor = fakeQuant(tf.add(noisy, shift), tf.scalar((qp - qn) / 255), {
    bits: 4,
    gradientScale: 'lsq',
  });
  // @ts-expect-error a gradient scale that there isn't
  fakeQuant(onGrid, tf.scalar(1), { bits: 4, gradientScale: 'sqrt' });

  const model = sequential({ layers: [layers.flatten({ inputShape: [8, 8, 3] }), layers.dense({ units: 3 })] });
  const pretrained = resnet18({ inputShape: [8, 8, 3], classes: 3, stem: 'cifar', width: 4 });
  const { unused } = loadPyTorchWeights(pretrained, readSafetensors(writeSafetensors(pyTorchWeights(pretrained))));
  console.log(unused.length);
  // @ts-expect-error a stem that there isn't
  resnet18({ stem: 'mnist' });

  const quantized = await quantizeModel(model, { bits: 4 });
  const initial = await snapshot(quantized);
  return measureFlatness(quantized, { xs: images, ys: labels }, { initial, seed: 1 });
}
