import { type BatchNormStatistics, filterAxes, foldableBatchNorms, foldBatchNorm, layerClass } from '@qgen/core';
import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel, LayerVariable, layers } from '@tensorflow/tfjs-layers';
import { CLASS_NAME } from './layers/quantized-layer';
import { type LayerEntry, leafLayers, rebuildModel } from './rebuild-model';

/** A model without the batch normalizations that could be folded, and what that did to the kernels before them. */
export interface FoldedModel {
  readonly model: LayersModel;
  /** By the name of a kernel: the steps of its codes for the steps they had, one per filter now. */
  readonly foldStep: ReadonlyMap<string, (step: tf.Tensor) => tf.Tensor>;
}

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
export function foldBatchNorms(model: LayersModel): FoldedModel {
  const paths = new Map(leafLayers(model).map(({ layer, path }) => [layer, path]));
  const layersOf = new Map(leafLayers(model).map(({ layer, path }) => [path, layer]));
  const normalizes = new Map(
    foldableBatchNorms(model).map(({ producer, batchNorm }) => [paths.get(producer)!, paths.get(batchNorm)!]),
  );
  const removed = new Set(normalizes.values());
  const folded = rebuildModel(model, (entry, path) => {
    if (removed.has(path))
      return { className: 'Activation', config: { name: entry.config.name, activation: 'linear' } };
    return normalizes.has(path) ? withBias(entry) : entry;
  });
  const foldStep = new Map<string, (step: tf.Tensor) => tf.Tensor>();
  for (const { layer: target, path } of leafLayers(folded)) {
    const source = layersOf.get(path)!;
    const by = normalizes.get(path);
    if (removed.has(path)) continue;
    for (const weight of source.weights) weightNamed(target, lastPart(weight))!.write(weight.read());
    if (!by) continue;
    const statistics = statisticsOf(layersOf.get(by)!);
    const kernel = ['kernel', 'pointwise_kernel', 'depthwise_kernel'].flatMap(
      (name) => weightNamed(target, name) ?? [],
    )[0]!;
    const bias = weightNamed(target, 'bias')!;
    const axes = filterAxes(kernel.originalName, layerClass(target).className, kernel.shape.length);
    tf.tidy(() => {
      const result = foldBatchNorm({ kernel: kernel.read(), bias: bias.read() }, statistics, axes);
      kernel.write(result.kernel);
      bias.write(result.bias);
    });
    const spread = kernel.shape.map((size, axis) => (axes.includes(axis) ? size! : 1));
    foldStep.set(kernel.originalName, (step) =>
      tf.tidy(() => foldBatchNorm({ kernel: tf.mul(tf.ones(spread), step) }, statistics, axes).kernel),
    );
  }
  return { model: folded, foldStep };
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

function weightNamed(layer: layers.Layer, name: string): LayerVariable | undefined {
  return layer.weights.find((weight) => lastPart(weight) === name);
}

const lastPart = (weight: LayerVariable): string => weight.originalName.split('/').at(-1)!;
