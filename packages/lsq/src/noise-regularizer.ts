import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { activationQuantizers } from './activation-quantizers';
import { quantizedLayers } from './quantized-weights';

export interface NoiseRegularizerOptions {
  /** The targets, as for `model.evaluate`; without them there is no cross term. */
  readonly ys?: tf.Tensor | readonly tf.Tensor[];
  /** Examples per batch. Default 32. */
  readonly batchSize?: number;
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
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
 * QGen's reading of quantization as a regularizer: for the squared loss and Δ = w - ŵ, to first order in Δ,
 *
 *     L(ŵ) = L(w) + R(Δ) + cross term,    R(Δ) = E_x |Δᵀ ∇_w ŷ|²
 *
 * The paper drops the cross term; it is returned beside R so that one sees whether that is right. Δᵀ ∇_w ŷ is a central
 * difference along Δ, `ŷ(w + ηΔ) - ŷ(w - ηΔ)` over 2η with η|Δ| = 0.01 |w| at most; for a model linear in its kernels it
 * is exact. Only kernels are quantized here: quantized activations are left in float, as they have no derivative.
 *
 * Outputs are summed over, examples averaged. The kernels are put back on every way out.
 *
 * @throws RangeError if the model has no quantized kernels or there are no examples
 * @throws the signal's reason when aborted
 */
export async function noiseRegularizer(
  model: LayersModel,
  xs: tf.Tensor | readonly tf.Tensor[],
  { ys, batchSize = 32, onProgress, signal }: NoiseRegularizerOptions = {},
): Promise<NoiseRegularizer> {
  const name = 'noiseRegularizer';
  const views = quantizedLayers(model).flatMap(({ layer }) => layer.views);
  if (views.length === 0)
    throw new RangeError(`${name}: the model has no quantized kernels; pass it to quantizeModel first`);
  if (!Number.isInteger(batchSize) || batchSize < 1)
    throw new RangeError(`${name}: batchSize must be an integer from 1 up, got ${batchSize}`);
  const inputs = listOf(xs);
  const targets = ys && listOf(ys);
  const total = inputs[0]?.shape[0] ?? 0;
  if (total === 0) throw new RangeError(`${name}: xs holds no examples`);
  const bypassed = [...views, ...activationQuantizers(model).map(({ quantizer }) => quantizer)];
  const before = bypassed.map(({ bypass }) => bypass);
  const weights = views.map((view) => tf.clone(view.latent));
  const deltas = views.map((view) => tf.tidy(() => tf.sub(view.latent, view.dequantized())));
  try {
    for (const part of bypassed) part.bypass = true;
    const eta = await reach(weights, deltas);
    /** The outputs for kernels moved `by` along Δ. */
    const outputs = (batch: tf.Tensor[], by: number): tf.Tensor[] => {
      views.forEach((view, i) => void view.write(tf.add(weights[i]!, tf.mul(deltas[i]!, by))));
      return listOf(model.predict(batch.length === 1 ? batch[0]! : batch, { batchSize: batch[0]!.shape[0] }));
    };
    const sums = { regularizer: 0, crossTerm: 0, loss: 0, quantizedLoss: 0 };
    for (let start = 0; start < total; start += batchSize) {
      signal?.throwIfAborted();
      const size = Math.min(batchSize, total - start);
      const parts = tf.tidy(() => {
        const batch = inputs.map((input) => tf.slice(input, start, size));
        const [ahead, behind] = [outputs(batch, eta), outputs(batch, -eta)];
        const slopes = ahead.map((output, i) => tf.div(tf.sub(output, behind[i]!), 2 * eta));
        const regularizer = sumOf(slopes.map((slope) => tf.square(slope)));
        if (!targets) return { regularizer };
        const expected = targets.map((target) => tf.slice(target, start, size));
        const errors = outputs(batch, 0).map((output, i) => tf.sub(output, tf.reshape(expected[i]!, output.shape)));
        const quantized = outputs(batch, -1).map((output, i) => tf.sub(output, tf.reshape(expected[i]!, output.shape)));
        return {
          regularizer,
          crossTerm: sumOf(errors.map((error, i) => tf.mul(tf.mul(error, slopes[i]!), -2))),
          loss: sumOf(errors.map((error) => tf.square(error))),
          quantizedLoss: sumOf(quantized.map((error) => tf.square(error))),
        };
      });
      for (const [part, tensor] of Object.entries(parts) as [keyof typeof sums, tf.Tensor][])
        sums[part] += (await tensor.data())[0]! / total;
      tf.dispose(parts);
      onProgress?.(start + size, total);
    }
    const { regularizer, crossTerm, loss, quantizedLoss } = sums;
    return targets
      ? { regularizer, crossTerm, loss, quantizedLoss }
      : { regularizer, crossTerm: null, loss: null, quantizedLoss: null };
  } finally {
    views.forEach((view, i) => void view.write(weights[i]!));
    bypassed.forEach((part, i) => {
      part.bypass = before[i]!;
    });
    tf.dispose([weights, deltas]);
  }
}

async function reach(weights: readonly tf.Tensor[], deltas: readonly tf.Tensor[]): Promise<number> {
  const squares = tf.tidy(() =>
    tf.stack([weights, deltas].map((tensors) => sumOf(tensors.map((tensor) => tf.square(tensor))))),
  );
  const [weight, delta] = (await squares.data()) as Float32Array;
  squares.dispose();
  return delta! > 0 ? Math.min(1, REACH * Math.sqrt(weight! / delta!)) : 1;
}

const sumOf = (tensors: readonly tf.Tensor[]): tf.Tensor => tf.addN(tensors.map((tensor) => tf.sum(tensor)));

const listOf = (tensors: tf.Tensor | readonly tf.Tensor[]): tf.Tensor[] =>
  Array.isArray(tensors) ? [...(tensors as readonly tf.Tensor[])] : [tensors as tf.Tensor];
