import * as tf from '@tensorflow/tfjs-core';
import { type LayersModel, loadLayersModel } from '@tensorflow/tfjs-layers';
import { type ModelFiles, SIDE } from '../protocol';

/** A LayersModel from its files; throws an Error that says why it is none, or not one for these digits. */
export async function readModel({ topology, weights }: ModelFiles): Promise<LayersModel> {
  let json: {
    modelTopology?: object;
    weightsManifest?: { paths: string[]; weights: tf.io.WeightsManifestEntry[] }[];
    format?: string;
  };
  try {
    json = JSON.parse(topology);
  } catch {
    throw new Error('the .json file is no JSON; choose model.json and its .bin files together');
  }
  if (json?.format === 'graph-model')
    throw new Error('this is a GraphModel, which cannot be trained; save it as a LayersModel');
  if (!json?.modelTopology || !json.weightsManifest)
    throw new Error('this is no LayersModel: modelTopology or weightsManifest is missing');
  const paths = json.weightsManifest.flatMap(({ paths }) => paths);
  const bytesOf = (path: string) => weights.find(({ name }) => name === path.split('/').pop())?.bytes;
  const missing = paths.filter((path) => !bytesOf(path));
  if (missing.length)
    throw new Error(`the weights ${missing.join(', ')} are missing; choose them together with model.json`);
  const loaded = await loadLayersModel(
    tf.io.fromMemory({
      modelTopology: json.modelTopology,
      weightSpecs: json.weightsManifest.flatMap(({ weights }) => weights),
      weightData: paths.map((path) => bytesOf(path)!),
    }),
  );
  const takes = loaded.inputs.map(({ shape }) => `[${shape.slice(1)}]`).join();
  const gives = loaded.outputs.map(({ shape }) => `[${shape.slice(1)}]`).join();
  if (takes === `[${[SIDE, SIDE, 1]}]` && gives === '[10]') return loaded;
  loaded.dispose();
  throw new Error(`the model takes ${takes} and gives ${gives}; these digits need [28,28,1] to [10]`);
}
