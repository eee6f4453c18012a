import { type LongWork, requireCounts, requireKnownOptions, requireLongWork, startWork } from '@qgen/core';
import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { activationQuantizers } from '../model/activation-quantizers';
import { checkInputs } from '../model/open-inputs';
import { kernelsOfModel } from '../model/quantized-weights';
import { requireModel } from '../model/require-model';

export interface NoiseRegularizerOptions extends LongWork<{ readonly done: number; readonly total: number }> {
  /** The targets, as for `model.evaluate`; without them there is no cross term. */
  readonly ys?: tf.Tensor | readonly tf.Tensor[];
  /** Examples per batch. Default 32. */
  readonly batchSize?: number;
}

/** The parts of a squared loss that quantizing the kernels adds, each a mean over the examples. */
export interface NoiseRegularizer {
  /** R(Δ) = E |Δᵀ ∇_w ŷ|². */
  readonly regularizer: number;
  /** -2 E (ŷ - y)ᵀ (Δᵀ ∇_w ŷ), zero only if Δ has mean 0 independently of x; null without targets. */
  readonly crossTerm: number | null;
  /** E |y - ŷ|² with the float kernels and with the quantized ones; null without targets. */
  readonly loss: number | null;
  readonly quantizedLoss: number | null;
}

/** How far along Δ the derivative is taken, as a share of |w|: far enough for float32, near enough to be one. */
const REACH = 0.01;

/**
 * QGen's reading of quantization as a regularizer: for the squared loss and Δ = w - ŵ, with ŷ to first order in Δ,
 *
 *     L(ŵ) = L(w) + R(Δ) + cross term,    R(Δ) = E_x |Δᵀ ∇_w ŷ|²
 *
 * QGen drops the cross term; it is returned beside R so that one sees whether that is right. Δᵀ ∇_w ŷ is a central
 * difference along Δ, `ŷ(w + ηΔ) - ŷ(w - ηΔ)` over 2η with η|Δ| = 0.01 |w| at most; for a model linear in its kernels it
 * is exact. Only kernels are quantized here: quantized activations are left in float, as they have no derivative.
 *
 * Outputs are summed over, examples averaged. The kernels are put back on every way out.
 *
 * @throws RangeError if the model has no quantized kernels, there are no examples, the shape of `xs` or `ys` is not that of
 * the model's inputs or outputs, or an option is unknown
 * @throws TypeError if `model` is no LayersModel or `xs` no tensor
 * @throws the signal's reason when aborted
 */
export async function noiseRegularizer(
  model: LayersModel,
  xs: tf.Tensor | readonly tf.Tensor[],
  options: NoiseRegularizerOptions = {},
): Promise<NoiseRegularizer> {
  const name = 'noiseRegularizer';
  requireModel(name, model);
  requireKnownOptions(name, options, ['ys', 'batchSize', 'signal', 'onProgress']);
  const { ys, batchSize = 32 } = options;
  requireCounts(name, { batchSize });
  requireLongWork(name, options);
  const views = kernelsOfModel(name, model).map(({ view }) => view);
  const inputs = listOf(xs);
  checkInputs(name, model, inputs, xs);
  const total = inputs[0].shape[0];
  const targets = ys && listOf(ys);
  if (targets) checkTargets(name, model, targets, total);
  const work = startWork(options);
  const bypassed = [...views, ...activationQuantizers(model).map(({ quantizer }) => quantizer)];
  const before = bypassed.map(({ bypass }) => bypass);
  const weights = views.map((view) => tf.clone(view.latent));
  const deltas = views.map((view) => tf.tidy(() => tf.sub(view.latent, view.dequantized())));
  try {
    for (const part of bypassed) part.bypass = true;
    const eta = await reach(weights, deltas);
    /** The outputs for kernels moved `by` along Δ. */
    const outputs = (batch: tf.Tensor[], by: number): tf.Tensor[] => {
      views.forEach((view, i) => void view.write(tf.add(weights[i], tf.mul(deltas[i], by))));
      return listOf(model.predict(batch.length === 1 ? batch[0] : batch, { batchSize: batch[0].shape[0] }));
    };
    const sums = { regularizer: 0, crossTerm: 0, loss: 0, quantizedLoss: 0 };
    for (let start = 0; start < total; start += batchSize) {
      await work.checkpoint(() => ({ done: start, total }));
      const size = Math.min(batchSize, total - start);
      const parts = tf.tidy(() => {
        const batch = inputs.map((input) => tf.slice(input, start, size));
        const [ahead, behind] = [outputs(batch, eta), outputs(batch, -eta)];
        const slopes = ahead.map((output, i) => tf.div(tf.sub(output, behind[i]), 2 * eta));
        const regularizer = sumOf(slopes.map((slope) => tf.square(slope)));
        if (!targets) return { regularizer };
        const expected = targets.map((target) => tf.slice(target, start, size));
        const errors = outputs(batch, 0).map((output, i) => tf.sub(output, tf.reshape(expected[i], output.shape)));
        const quantized = outputs(batch, -1).map((output, i) => tf.sub(output, tf.reshape(expected[i], output.shape)));
        return {
          regularizer,
          crossTerm: sumOf(errors.map((error, i) => tf.mul(tf.mul(error, slopes[i]), -2))),
          loss: sumOf(errors.map((error) => tf.square(error))),
          quantizedLoss: sumOf(quantized.map((error) => tf.square(error))),
        };
      });
      for (const [part, tensor] of Object.entries(parts) as [keyof typeof sums, tf.Tensor][])
        sums[part] += (await tensor.data())[0] / total;
      tf.dispose(parts);
    }
    await work.checkpoint();
    work.report({ done: total, total });
    const { regularizer, crossTerm, loss, quantizedLoss } = sums;
    return targets
      ? { regularizer, crossTerm, loss, quantizedLoss }
      : { regularizer, crossTerm: null, loss: null, quantizedLoss: null };
  } finally {
    views.forEach((view, i) => void view.write(weights[i]));
    bypassed.forEach((part, i) => {
      part.bypass = before[i];
    });
    tf.dispose([weights, deltas]);
  }
}

function checkTargets(name: string, model: LayersModel, targets: readonly tf.Tensor[], total: number): void {
  if (targets.length !== model.outputs.length)
    throw new RangeError(`${name}: the model has ${model.outputs.length} outputs, got targets for ${targets.length}`);
  targets.forEach((target, i) => {
    const expected = [total, ...model.outputs[i].shape.slice(1)];
    const fits = target instanceof tf.Tensor && target.shape[0] === total && expected.every((size) => size !== null);
    if (!fits || target.size !== tf.util.sizeFromShape(expected as number[]))
      throw new RangeError(`${name}: ys must have the shape [${expected}], got [${target.shape}]`);
  });
}

async function reach(weights: readonly tf.Tensor[], deltas: readonly tf.Tensor[]): Promise<number> {
  const squares = tf.tidy(() =>
    tf.stack([weights, deltas].map((tensors) => sumOf(tensors.map((tensor) => tf.square(tensor))))),
  );
  const [weight, delta] = (await squares.data()) as Float32Array;
  squares.dispose();
  return delta > 0 ? Math.min(1, REACH * Math.sqrt(weight / delta)) : 1;
}

const sumOf = (tensors: readonly tf.Tensor[]): tf.Tensor => tf.sum(tf.stack(tensors.map((tensor) => tf.sum(tensor))));

const listOf = (tensors: tf.Tensor | readonly tf.Tensor[]): tf.Tensor[] =>
  Array.isArray(tensors) ? [...(tensors as readonly tf.Tensor[])] : [tensors as tf.Tensor];
