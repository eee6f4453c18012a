import {
  type BatchNormStatistics,
  filterAxes,
  foldableBatchNorms,
  foldBatchNorm,
  layerClass,
  leafLayers,
  namedWeights,
  outputKernel,
} from '@qgen/core';
import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel, LayerVariable, layers } from '@tensorflow/tfjs-layers';
import { CLASS_NAME } from '../layers/quantized-layer-class';
import { copyLayer, setExactly } from '../model/copy-weights';
import { disposeModel } from '../model/dispose-model';
import { type LayerEntry, rebuildModel } from '../model/rebuild-model';

/** A model without the batch normalizations that could be folded, and what that did to the kernels before them. */
export interface FoldedModel {
  readonly model: LayersModel;
  /** By the kernel in `model`: the steps of its codes for the steps they had, one per filter now. */
  readonly foldStep: ReadonlyMap<LayerVariable, (step: tf.Tensor) => tf.Tensor>;
}

/** The name of what folding adds to a layer that has none. */
export const ADDED = 'bias';

/**
 * Folds every batch normalization that follows a linear layer into its kernel and bias,
 *
 *     w'_c = w_c γ_c / sqrt(var_c + ε)    b'_c = β_c + (b_c - mean_c) γ_c / sqrt(var_c + ε)
 *
 * and leaves a linear Activation of the same name in its place, so that the graph stays. The codes of a kernel stay as
 * they are; its steps become s_c γ_c / sqrt(var_c + ε), of either sign, one per filter. `model` is left as it is.
 *
 * @param model one without quantized kernels; inputs of its layers may be quantized
 */
export function foldBatchNorms(caller: string, model: LayersModel): FoldedModel {
  const paths = new Map(leafLayers(model).map(({ layer, path }) => [layer, path]));
  const layersOf = new Map(leafLayers(model).map(({ layer, path }) => [path, layer]));
  const normalizes = new Map(
    foldableBatchNorms(model).map(({ producer, batchNorm }) => [paths.get(producer)!, paths.get(batchNorm)!]),
  );
  const removed = new Set(normalizes.values());
  const folded = rebuildModel(caller, model, (entry, path) => {
    if (removed.has(path))
      return { className: 'Activation', config: { name: entry.config.name, activation: 'linear' } };
    return normalizes.has(path) ? withBias(entry) : entry;
  });
  const foldStep = new Map<LayerVariable, (step: tf.Tensor) => tf.Tensor>();
  try {
    for (const { layer: to, path } of leafLayers(folded)) {
      if (removed.has(path)) continue;
      const from = layersOf.get(path)!;
      const by = normalizes.get(path);
      const added = by && !weightNamed(from, ADDED) ? ADDED : undefined;
      copyLayer(caller, { path, from, to, added, read: (weight) => weight.read() });
      if (!by) continue;
      const { kernel, fold } = foldInto(to, layersOf.get(by)!);
      foldStep.set(kernel, fold);
    }
    return { model: folded, foldStep };
  } catch (error) {
    disposeModel(folded);
    throw error;
  }
}

/** Folds a batch normalization into a layer, and gives the kernel and what was done to it, for its steps. */
function foldInto(layer: layers.Layer, batchNorm: layers.Layer) {
  const statistics = statisticsOf(batchNorm);
  const kernel = outputKernel(layer);
  const bias = weightNamed(layer, ADDED)!;
  const axes = filterAxes(kernel.originalName, layerClass(layer).className, kernel.shape.length);
  tf.tidy(() => {
    const result = foldBatchNorm({ kernel: kernel.read(), bias: bias.read() }, statistics, axes);
    setExactly(kernel, result.kernel);
    setExactly(bias, result.bias);
  });
  const spread = kernel.shape.map((size, axis) => (axes.includes(axis) ? size! : 1));
  const fold = (step: tf.Tensor) =>
    tf.tidy(() => foldBatchNorm({ kernel: tf.mul(tf.ones(spread), step) }, statistics, axes).kernel);
  return { kernel, fold };
}

/** The configuration of a layer that is to have a bias; of a quantized one, that of its base class. */
function withBias(entry: LayerEntry): LayerEntry {
  if (entry.className !== CLASS_NAME) return { ...entry, config: { ...entry.config, useBias: true } };
  const base = entry.config.layer as LayerEntry;
  return { ...entry, config: { ...entry.config, layer: withBias(base) } };
}

function statisticsOf(batchNorm: layers.Layer): BatchNormStatistics {
  const read = (name: string) => weightNamed(batchNorm, name)?.read();
  const [gamma, beta] = [read('gamma'), read('beta')];
  return {
    ...(gamma && { gamma }),
    ...(beta && { beta }),
    mean: read('moving_mean')!,
    variance: read('moving_variance')!,
    epsilon: batchNorm.getConfig().epsilon as number,
  };
}

function weightNamed(layer: layers.Layer, wanted: string): LayerVariable | undefined {
  return namedWeights(layer).find(({ name }) => name === wanted)?.weight;
}
