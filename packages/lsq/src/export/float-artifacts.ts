import { leafLayers } from '@qgen/core';
import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel, LayerVariable } from '@tensorflow/tfjs-layers';
import type { KernelView } from '../layers/kernel-view';
import { quantizedLayers } from '../model/quantized-weights';
import { disposeModel, pairedWeights } from '../model/rebuild-model';
import { codeRange } from '../quantizer/grid';
import { requireFinite } from '../quantizer/require-finite';
import { STEP_RANGE } from '../quantizer/step-size';
import { plainModel } from './dequantize-model';
import { ADDED, foldBatchNorms } from './fold-batch-norms';

/** The codes of a kernel: its values are fl(code · step), the step spread over the axes where its shape is 1. */
interface KernelCodes {
  readonly bits: number;
  readonly qn: number;
  readonly codes: Int32Array;
  readonly step: Float32Array;
  readonly stepShape: readonly number[];
}

/** What a plain model is saved as, and for each quantized kernel in it, by the name of its weight, the codes. */
export interface FloatArtifacts {
  readonly artifacts: tf.io.ModelArtifacts & { readonly weightSpecs: tf.io.WeightsManifestEntry[] };
  readonly kernels: ReadonlyMap<string, KernelCodes>;
}

/** The plain model that a quantized one is exported as, with batch normalizations folded if asked for. */
export async function floatArtifacts(caller: string, model: LayersModel, fold: boolean): Promise<FloatArtifacts> {
  requireDistinctNames(caller, model);
  await requireFiniteWeights(caller, model);
  const plain = plainModel(caller, model, { weights: 'dequantized', forShipping: true });
  const models = [plain];
  try {
    const folded = fold ? foldBatchNorms(caller, plain) : null;
    if (folded) models.push(folded.model);
    const exported = folded?.model ?? plain;
    const [floats, targets] = [plain, exported].map(layersByPath);
    const kernels = new Map<string, KernelCodes>();
    for (const { layer, path } of quantizedLayers(model)) {
      const [float, target] = [floats!.get(path)!, targets!.get(path)!];
      const added = target.weights.length > float.weights.length ? ADDED : undefined;
      const pairs = new Map(pairedWeights(caller, { path, from: layer, to: target, added }));
      for (const view of layer.views) {
        const kernel = pairs.get(view.latentWeight)!;
        kernels.set(kernel.originalName, await kernelCodes(view, folded?.foldStep.get(kernel)));
      }
    }
    return { artifacts: await artifactsOf(exported), kernels };
  } finally {
    models.forEach(disposeModel);
  }
}

const layersByPath = (model: LayersModel) => new Map(leafLayers(model).map(({ layer, path }) => [path, layer]));

/** Throws a RangeError where a saved model could not be loaded, because loading finds weights by their names alone. */
function requireDistinctNames(caller: string, model: LayersModel): void {
  const counts = new Map<LayerVariable, number>();
  for (const weight of model.weights) counts.set(weight, (counts.get(weight) ?? 0) + 1);
  const owners = new Map<string, string>();
  for (const { layer, path } of leafLayers(model))
    for (const weight of layer.weights) {
      const { originalName } = weight;
      if (counts.get(weight)! > 1)
        throw new RangeError(
          `${caller}: layer ${path} is reached by several paths, so that its weight ${originalName} would be saved several times, which tf.loadLayersModel refuses; export the parts one by one`,
        );
      const owner = owners.get(originalName);
      if (owner !== undefined)
        throw new RangeError(
          `${caller}: a weight of layer ${owner} and one of layer ${path} are both called ${originalName}, which tf.loadLayersModel refuses; give each layer a name that is unique in the whole model`,
        );
      owners.set(originalName, path);
    }
}

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

async function artifactsOf(model: LayersModel): Promise<FloatArtifacts['artifacts']> {
  let saved: tf.io.ModelArtifacts | null = null;
  await model.save(
    tf.io.withSaveHandler(async (artifacts) => {
      saved = artifacts;
      return { modelArtifactsInfo: tf.io.getModelArtifactsInfoForJSON(artifacts) };
    }),
  );
  const artifacts = saved! as tf.io.ModelArtifacts;
  // As it will be after a round trip through a file, so that a checksum over it stays right.
  const modelTopology = JSON.parse(JSON.stringify(artifacts.modelTopology)) as object;
  return { ...artifacts, modelTopology, weightSpecs: artifacts.weightSpecs ?? [] };
}
