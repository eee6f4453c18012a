import {
  heldLayers,
  type LongWork,
  leafLayers,
  requireCounts,
  requireKnownOptions,
  requireLongWork,
  startWork,
  type UnlabelledData,
} from '@qgen/core';
import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel, LayerVariable, layers } from '@tensorflow/tfjs-layers';
import { openInputs } from '../model/open-inputs';
import { requireModel } from '../model/require-model';

export interface ReestimateOptions extends LongWork<{ readonly done: number; readonly total: number }> {
  /** Examples per batch. Default 32. Those of a dataset or an iterable are taken as they come. */
  readonly batchSize?: number;
}

/** The fields of a batch normalization that are not in its type. */
interface BatchNorm extends layers.Layer {
  momentum: number;
  readonly movingMean: LayerVariable;
  readonly movingVariance: LayerVariable;
}

/**
 * Sets the moving averages of every batch normalization to the means, over batches, of their means and variances, as the
 * layers before them are now. Averages kept during quantization-aware training mix statistics of codes that have changed
 * since (Nagel et al., ICML 2022, re-estimate them over 50 batches before every evaluation).
 *
 * The normalizations work with the statistics of each batch, as in training; everything else as in inference, so dropout
 * does not act. All are estimated in one pass, each batch counted by its examples. On an error or an abort all are left
 * as they were. Other weights are not touched.
 *
 * @param data examples in any form that `@qgen/core` knows as `UnlabelledData`, or for a model of several inputs an array
 * with one tensor each
 * @param batches how many to take; fewer if there are fewer
 * @throws RangeError if the model has no batch normalization, there are no examples, their shape is not the model's, a
 * number doesn't fit, or an option is unknown
 * @throws TypeError if `model` is no LayersModel, or `data` has none of these forms
 * @throws the signal's reason when aborted
 */
export async function reestimateBatchNorm(
  model: LayersModel,
  data: UnlabelledData | readonly tf.Tensor[],
  batches = 50,
  options: ReestimateOptions = {},
): Promise<void> {
  const name = 'reestimateBatchNorm';
  requireModel(name, model);
  requireKnownOptions(name, options, ['batchSize', 'signal', 'onProgress']);
  const { batchSize = 32 } = options;
  requireCounts(name, { batches, batchSize });
  requireLongWork(name, options);
  const norms = leafLayers(model)
    .flatMap(({ layer }) => heldLayers(layer))
    .filter((layer): layer is BatchNorm => layer.getClassName() === 'BatchNormalization');
  if (norms.length === 0) throw new RangeError(`${name}: the model has no batch normalization`);
  const opened = await openInputs(name, model, data);
  const work = startWork(options);
  const averages = norms.flatMap(({ movingMean, movingVariance }) => [movingMean, movingVariance]);
  const variables = averages.map((weight) => weight.read() as tf.Variable);
  const before = variables.map((variable) => tf.clone(variable));
  let sums: tf.Tensor[] = variables.map((variable) => tf.zerosLike(variable));
  let [done, examples] = [0, 0];
  const restore = inTraining(norms);
  try {
    for await (const { inputs, size } of opened.batches(batchSize)) {
      if (done === batches) break;
      await work.checkpoint(() => ({ done, total: batches }));
      const next = tf.tidy(() => {
        // From 0, and with no momentum, the average becomes the statistic of the batch without a rounding error.
        for (const variable of variables) variable.assign(tf.zerosLike(variable));
        model.predict(inputs.length === 1 ? inputs[0] : inputs, { batchSize: size });
        return sums.map((sum, i) => tf.add(sum, tf.mul(variables[i], size)));
      });
      tf.dispose(sums);
      sums = next;
      done++;
      examples += size;
    }
    await work.checkpoint();
    work.report({ done, total: batches });
    variables.forEach((variable, i) => void tf.tidy(() => variable.assign(tf.div(sums[i], examples))));
  } catch (error) {
    variables.forEach((variable, i) => void variable.assign(before[i]));
    throw error;
  } finally {
    restore();
    tf.dispose([sums, before]);
  }
}

/** Makes normalizations work as in training and keep nothing of their averages, until the function returned is called. */
function inTraining(norms: readonly BatchNorm[]): () => void {
  const momenta = norms.map(({ momentum }) => momentum);
  for (const norm of norms) {
    const { call } = norm;
    norm.momentum = 0;
    norm.call = (inputs, kwargs) => call.call(norm, inputs, { ...kwargs, training: true as never });
  }
  return () =>
    norms.forEach((norm, i) => {
      norm.momentum = momenta[i];
      delete (norm as Partial<BatchNorm>).call;
    });
}
