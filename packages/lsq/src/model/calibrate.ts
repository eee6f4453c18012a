import {
  type LongWork,
  leafLayers,
  requireCounts,
  requireKnownOptions,
  requireLongWork,
  startWork,
  type UnlabelledData,
} from '@qgen/core';
import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { ActivationQuantizer } from '../layers/activation-quantizer';
import { STEP_RANGE } from '../quantizer/step-size';
import { activationQuantizers } from './activation-quantizers';
import { openInputs } from './open-inputs';
import { requireModel } from './require-model';

/** How far `calibrate` is: examples seen, of all, whose number a dataset or an iterable does not tell. */
export interface CalibrateProgress {
  readonly done: number;
  readonly total: number | null;
}

export interface CalibrateOptions extends LongWork<CalibrateProgress> {
  /** Examples per batch. Default 32. Those of a dataset or an iterable are taken as they come. */
  readonly batchSize?: number;
}

/**
 * Sets the step (and offset) of every activation quantizer from data, in place of the first training batch.
 *
 * Each takes the mean of the initial steps of its batches, counted by their examples; of steps that start from 'mse', which
 * clip what is larger in another batch, the range that holds all of theirs. One pass in inference mode does: what a layer
 * sees has gone through the quantizers before it, with the steps they have so far. A few hundred examples are enough.
 * Steps that were set before are set anew; on an error or an abort all are left as they were.
 *
 * Batches in which the input of a layer is all zeros do not count for it. A layer without any other batch keeps its state, and
 * a warning names it. Another one names batch normalizations that were never trained: what they let through here, by a
 * moving mean of 0 and a moving variance of 1, is not what they let through in training, by the statistics of the batch.
 *
 * @param xs examples in any form that `@qgen/core` knows as `UnlabelledData`: a tensor, nested numbers, `{ xs }`, a dataset, an iterable of
 * batches. For a model of several inputs an array with one tensor each
 * @throws RangeError if the model quantizes no activations, there are no examples, their shape is not the model's, they
 * make a step NaN (naming it), or an option is unknown
 * @throws TypeError if `model` is no LayersModel, or `xs` has none of these forms
 * @throws the signal's reason when aborted
 */
export async function calibrate(
  model: LayersModel,
  xs: UnlabelledData | readonly tf.Tensor[],
  options: CalibrateOptions = {},
): Promise<void> {
  const name = 'calibrate';
  requireModel(name, model);
  requireKnownOptions(name, options, ['batchSize', 'signal', 'onProgress']);
  const { batchSize = 32 } = options;
  requireCounts(name, { batchSize });
  requireLongWork(name, options);
  const found = activationQuantizers(model);
  if (found.length === 0)
    throw new RangeError(`${name}: the model quantizes no activations; pass activations to quantizeModel`);
  const { size: total = null, batches } = await openInputs(name, model, xs);
  await warnOfUntrained(name, model);
  const work = startWork(options);
  const before = found.map(({ quantizer }) => quantizer.weights.map((weight) => tf.clone(weight.read())));
  let done = 0;
  let seen: readonly number[] = [];
  let finished = false;
  for (const { quantizer } of found) quantizer.startCalibration();
  try {
    for await (const { inputs, size } of batches(batchSize)) {
      await work.checkpoint(() => ({ done, total }));
      for (const { quantizer } of found) quantizer.nextBatch(size);
      tf.tidy(() => void model.predict(inputs.length === 1 ? inputs[0] : inputs, { batchSize: size }));
      done += size;
    }
    await work.checkpoint();
    for (const { path, quantizer } of found) await requireFiniteStep(name, path, quantizer, done);
    work.report({ done, total });
    finished = true;
  } finally {
    seen = await Promise.all(found.map(({ quantizer }) => quantizer.endCalibration()));
    if (!finished)
      for (const [i, { quantizer }] of found.entries())
        for (const [j, weight] of quantizer.weights.entries()) weight.write(before[i][j]);
    tf.dispose(before);
  }
  const silent = found.flatMap(({ path }, i) => (seen[i] === 0 ? path : []));
  if (silent.length > 0)
    console.warn(
      `${name}: the input of ${silent.join(', ')} is 0 in all ${done} examples, so that its step could not be set; give other examples, or find out why the layers before it give zeros`,
    );
}

async function requireFiniteStep(
  name: string,
  path: string,
  { step, weights }: ActivationQuantizer,
  examples: number,
): Promise<void> {
  for (const tensor of [step, ...weights.map((weight) => weight.read())]) {
    const values = await tensor.data();
    if (!values.every((value) => Math.abs(value) < STEP_RANGE.largest / examples))
      throw new RangeError(
        `${name}: the activations that go into layer ${path} are not finite; look for NaN in xs or the weights`,
      );
  }
}

/** Warns of batch normalizations whose moving mean is still 0 and whose moving variance 1. */
async function warnOfUntrained(name: string, model: LayersModel): Promise<void> {
  const untrained: string[] = [];
  for (const { layer, path } of leafLayers(model)) {
    if (layer.getClassName() !== 'BatchNormalization') continue;
    const isStill = async (statistic: string, start: number) => {
      const weight = layer.weights.find(({ originalName }) => originalName.endsWith(`/${statistic}`));
      return weight !== undefined && (await weight.read().data()).every((value) => value === start);
    };
    if ((await isStill('moving_mean', 0)) && (await isStill('moving_variance', 1))) untrained.push(path);
  }
  if (untrained.length > 0)
    console.warn(
      `${name}: ${untrained.join(', ')} ${untrained.length === 1 ? 'has' : 'have'} never been trained (moving mean 0, moving variance 1), so that the layers after see other activations than in training; train the float model first, or let the first training batch set the steps`,
    );
}
