import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { dequantizeModel } from './dequantize-model';
import { integerCodes } from './fake-quant';
import { foldBatchNorms } from './fold-batch-norms';
import { quantizationRange } from './grid';
import type { KernelView } from './layers/kernel-view';
import { quantizedLayers } from './quantized-weights';
import { leafLayers, ownWeights } from './rebuild-model';
import { requireFinite } from './require-finite';
import { STEP_RANGE } from './step-size';

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
export async function floatArtifacts(model: LayersModel, fold: boolean): Promise<FloatArtifacts> {
  const plain = await dequantizeModel(model);
  const folded = fold ? foldBatchNorms(plain) : null;
  try {
    const exported = folded?.model ?? plain;
    const targets = new Map(leafLayers(exported).map(({ layer, path }) => [path, layer]));
    const kernels = new Map<string, KernelCodes>();
    for (const { layer, path } of quantizedLayers(model))
      for (const view of layer.views) {
        // Own weights come in the same order; a bias that folding added comes after the kernels.
        const { originalName } = ownWeights(targets.get(path)!)[layer.baseWeights.indexOf(view.latentWeight)]!;
        kernels.set(originalName, await kernelCodes(view, folded?.foldStep.get(originalName)));
      }
    return { artifacts: await artifactsOf(exported), kernels };
  } finally {
    folded?.model.dispose();
    plain.dispose();
  }
}

async function kernelCodes(view: KernelView, foldStep?: (step: tf.Tensor) => tf.Tensor): Promise<KernelCodes> {
  for (const [role, tensor] of Object.entries({ values: view.latent, steps: view.step }))
    await requireFinite(
      'exportQuantized',
      tensor,
      `the ${role} of ${view.originalName} are NaN or infinite; the training has diverged, train it again`,
    );
  const codes = integerCodes(view.latent, view.step, view.options);
  const step = tf.tidy(() => {
    const effective = tf.maximum(tf.abs(view.step), STEP_RANGE.smallest);
    return foldStep ? foldStep(effective) : effective;
  });
  const { bits } = view.options;
  const { qn } = quantizationRange(view.options);
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
