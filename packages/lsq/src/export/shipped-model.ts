import { leafLayers } from '@qgen/core';
import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel, LayerVariable } from '@tensorflow/tfjs-layers';
import type { KernelView } from '../layers/kernel-view';
import { pairedWeights } from '../model/copy-weights';
import { disposeModel } from '../model/dispose-model';
import { quantizedLayers } from '../model/quantized-weights';
import { codeRange } from '../quantizer/grid';
import { requireFinite } from '../quantizer/require-finite';
import { STEP_RANGE } from '../quantizer/step-size';
import { plainModel } from './dequantize-model';
import { ADDED, foldBatchNorms } from './fold-batch-norms';

/** The codes of a kernel: its values are fl(code · step), the step spread over the axes where its shape is 1. */
export interface KernelCodes {
  readonly bits: number;
  readonly qn: number;
  readonly codes: Int32Array;
  readonly step: Float32Array;
  readonly stepShape: readonly number[];
}

/**
 * Hands on the plain model that a model is exported as, with batch normalizations folded if asked for, and the codes of
 * its kernels that were quantized. The model is disposed of when `use` is done.
 *
 * @throws RangeError, naming the weight, if any holds NaN or an infinity
 */
export async function withShippedModel<Result>(
  caller: string,
  model: LayersModel,
  fold: boolean,
  use: (shipped: LayersModel, kernels: ReadonlyMap<LayerVariable, KernelCodes>) => Promise<Result>,
): Promise<Result> {
  await requireFiniteWeights(caller, model);
  const plain = plainModel(caller, model, { weights: 'dequantized', forShipping: true });
  const models = [plain];
  try {
    const folded = fold ? foldBatchNorms(caller, plain) : null;
    if (folded) models.push(folded.model);
    const shipped = folded?.model ?? plain;
    const [floats, targets] = [plain, shipped].map(layersByPath);
    const kernels = new Map<LayerVariable, KernelCodes>();
    for (const { layer, path } of quantizedLayers(model)) {
      const [float, target] = [floats.get(path)!, targets.get(path)!];
      const added = target.weights.length > float.weights.length ? ADDED : undefined;
      const pairs = new Map(pairedWeights(caller, { path, from: layer, to: target, added }));
      for (const view of layer.views) {
        const kernel = pairs.get(view.latentWeight)!;
        kernels.set(kernel, await kernelCodes(view, folded?.foldStep.get(kernel)));
      }
    }
    return await use(shipped, kernels);
  } finally {
    models.forEach(disposeModel);
  }
}

const layersByPath = (model: LayersModel) => new Map(leafLayers(model).map(({ layer, path }) => [path, layer]));

/** Throws a RangeError, naming the weight, if any of a model holds NaN or an infinity. */
async function requireFiniteWeights(caller: string, model: LayersModel): Promise<void> {
  const require = (tensor: tf.Tensor, subject: string) =>
    requireFinite(caller, tensor, `${subject} are NaN or infinite; the training has diverged, train it again`);
  for (const { layer } of quantizedLayers(model))
    for (const view of layer.views) await require(view.step, `the steps of ${view.originalName}`);
  for (const weight of model.weights) await require(weight.read(), `the values of ${weight.originalName}`);
}

async function kernelCodes(view: KernelView, foldStep?: (step: tf.Tensor) => tf.Tensor): Promise<KernelCodes> {
  const codes = view.codes();
  const step = tf.tidy(() => {
    const effective = view.overKernel(tf.maximum(tf.abs(view.step), STEP_RANGE.smallest));
    return foldStep ? foldStep(effective) : effective;
  });
  const { bits } = view.options;
  const { qn } = codeRange(view.options);
  const result = {
    bits,
    qn,
    codes: (await codes.data()) as Int32Array,
    step: (await step.data()) as Float32Array,
    stepShape: step.shape,
  };
  tf.dispose([codes, step]);
  return result;
}
