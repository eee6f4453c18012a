import { leafLayers } from '@qgen/core';
import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel, LayerVariable } from '@tensorflow/tfjs-layers';
import { type KernelCodes, withShippedModel } from './shipped-model';

/** The artifacts of a plain model, and the codes of its quantized kernels by the names of their weights. */
export interface FloatArtifacts {
  readonly artifacts: tf.io.ModelArtifacts & { readonly weightSpecs: tf.io.WeightsManifestEntry[] };
  readonly kernels: ReadonlyMap<string, KernelCodes>;
}

/** The plain model that a quantized one is exported as, with batch normalizations folded if asked for. */
export async function floatArtifacts(caller: string, model: LayersModel, fold: boolean): Promise<FloatArtifacts> {
  requireDistinctNames(caller, model);
  return withShippedModel(caller, model, fold, async (shipped, kernels) => ({
    artifacts: await artifactsOf(shipped),
    kernels: new Map([...kernels].map(([kernel, codes]) => [kernel.originalName, codes])),
  }));
}

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
