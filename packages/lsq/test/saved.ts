import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';

/** Saves a model to memory, through the text that a file would hold. */
export async function saved(model: LayersModel, includeOptimizer = false): Promise<tf.io.ModelArtifacts> {
  let artifacts!: tf.io.ModelArtifacts;
  const handler = tf.io.withSaveHandler(async (given) => {
    artifacts = given;
    return { modelArtifactsInfo: tf.io.getModelArtifactsInfoForJSON(given) };
  });
  await model.save(handler, { includeOptimizer });
  return asFile(artifacts);
}

/** Artifacts as they come back from a file: the text parsed again, the weights as they are. */
export function asFile({ weightData, ...text }: tf.io.ModelArtifacts): tf.io.ModelArtifacts {
  return { ...(JSON.parse(JSON.stringify(text)) as tf.io.ModelArtifacts), weightData };
}
