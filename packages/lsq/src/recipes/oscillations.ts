import { requireKnownOptions, requireNotNegative } from '@qgen/core';
import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { kernelsOfModel } from '../model/quantized-weights';
import { requireModel } from '../model/require-model';
import { oscillationsOf } from './freeze-oscillating';

/** The oscillations of one kernel. */
export interface KernelOscillations {
  readonly layer: string;
  readonly name: string;
  readonly bits: number;
  readonly weights: number;
  /** The mean over its weights of f, the share of the recent training steps in which a weight oscillated. */
  readonly frequency: number;
  /** The share of its weights whose f exceeds the threshold and that are not frozen. */
  readonly oscillatingShare: number;
  readonly frozenShare: number;
}

export interface OscillationsOptions {
  /** The f above which a weight counts as oscillating. Default 0.005. */
  readonly threshold?: number;
}

/**
 * How much the weights of a quantized model oscillate, kernel by kernel, as a `freezeOscillating` callback has counted it
 * (with `threshold: 0` it counts and freezes nothing).
 *
 * @throws RangeError if nothing was counted, the model has no quantized kernels, the threshold is negative, or an option
 * is unknown
 * @throws TypeError if `model` is no LayersModel
 */
export async function oscillations(
  model: LayersModel,
  options: OscillationsOptions = {},
): Promise<KernelOscillations[]> {
  const name = 'oscillations';
  requireModel(name, model);
  requireKnownOptions(name, options, ['threshold']);
  const { threshold = 0.005 } = options;
  requireNotNegative(name, { threshold });
  const kernels = kernelsOfModel(name, model).flatMap(({ view, path }) => {
    const known = oscillationsOf(view);
    return known ? { view, path, known } : [];
  });
  if (kernels.length === 0)
    throw new RangeError(
      `${name}: nothing was counted; train with freezeOscillating(model, { threshold: 0 }) among the callbacks`,
    );
  return Promise.all(
    kernels.map(async ({ view, path, known }) => {
      const means = tf.tidy(() => {
        const mask = known.frozen?.mask ?? tf.zeros(known.codes.shape, 'bool');
        const oscillating = tf.logicalAnd(tf.greater(known.frequency, threshold), tf.logicalNot(mask));
        return tf.stack([known.frequency, oscillating, mask].map((each) => tf.mean(tf.cast(each, 'float32'))));
      });
      const [frequency, oscillatingShare, frozenShare] = await means.data();
      means.dispose();
      const { bits } = view.options;
      const weights = known.codes.size;
      return {
        layer: path,
        name: view.originalName,
        bits,
        weights,
        frequency: frequency,
        oscillatingShare: oscillatingShare,
        frozenShare: frozenShare,
      };
    }),
  );
}
