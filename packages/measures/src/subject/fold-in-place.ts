import { filterAxes, foldableBatchNorms, foldBatchNorm, layerClass, leafLayers, outputKernel } from '@qgen/core';
import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel, layers } from '@tensorflow/tfjs-layers';
import type { Changes } from './changes';
import type { View } from './options';
import { type FoundParameter, lastPart } from './parameters';
import { quantizedLayer } from './quantized';

interface Folding {
  readonly view: View;
  readonly changes: Changes;
  /** Gets the variables that a normalization was folded into. */
  readonly folded: Set<tf.Variable>;
}

/**
 * Moves every foldable batch normalization into the kernel and bias before it and makes the normalization itself the
 * identity (mean 0, variance 1 - epsilon, gamma 1, beta 0). Where the producer has no bias, b' stays in the
 * normalization's beta (or as -b' in its mean), which then counts as a bias. In the latent view a quantized producer is
 * left alone: its quantizer is not linear in the scale of a channel.
 */
export function foldInPlace(
  model: LayersModel,
  found: readonly FoundParameter[],
  { view, changes, folded }: Folding,
): FoundParameter[] {
  let all = [...found];
  const leaves = leafLayers(model);
  for (const { producer, batchNorm } of foldableBatchNorms(model)) {
    const quantized = quantizedLayer(producer);
    if (quantized?.kernels.length && view === 'latent') continue;
    const kernel = kernelOf(producer, quantized?.kernels[quantized.kernels.length - 1]?.latent);
    const bias = weightOf(producer, 'bias');
    const [gamma, beta] = [weightOf(batchNorm, 'gamma'), weightOf(batchNorm, 'beta')];
    const [mean, variance] = [weightOf(batchNorm, 'moving_mean')!, weightOf(batchNorm, 'moving_variance')!];
    const epsilon = batchNorm.getConfig().epsilon as number;
    tf.tidy(() => {
      const affine = { gamma, beta, mean, variance, epsilon };
      const result = foldBatchNorm({ kernel: kernel.variable as tf.Tensor, bias }, affine, kernel.axes);
      changes.assign(kernel.variable, result.kernel);
      if (bias) changes.assign(bias, result.bias);
      if (beta) changes.assign(beta, bias ? tf.zerosLike(beta) : result.bias);
      changes.assign(mean, bias || beta ? tf.zerosLike(mean) : tf.neg(result.bias));
      if (gamma) changes.assign(gamma, tf.onesLike(gamma));
      changes.assign(variance, tf.fill(variance.shape, 1 - epsilon));
    });
    all = all.filter(({ variable }) => variable !== gamma && variable !== beta);
    if (!bias) {
      const number = leaves.findIndex(({ layer }) => layer === producer);
      const made = { name: `${leaves[number].path}/bias`, role: 'bias', place: `${number}.bias` } as const;
      const variable = beta ?? mean;
      all.push({ ...made, shape: variable.shape, variable, filterAxes: [0] });
    }
    folded.add(kernel.variable).add(bias ?? beta ?? mean);
  }
  return all;
}

function weightOf(layer: layers.Layer, name: string): tf.Variable | undefined {
  return layer.weights.find((weight) => lastPart(weight.originalName) === name)?.read() as tf.Variable | undefined;
}

/** The variable that a normalization is folded into: of a quantized layer the float weights behind its last kernel. */
function kernelOf(layer: layers.Layer, latent: tf.Variable | undefined) {
  const weight = outputKernel(layer);
  const variable = latent ?? (weight.read() as tf.Variable);
  return { variable, axes: filterAxes(weight.originalName, layerClass(layer).className, variable.rank) };
}
