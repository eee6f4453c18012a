import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';

/** Writes artifacts as tfjs saves a model to files, model.json and weights.bin; returns the bytes of the latter. */
export function save({ weightData, weightSpecs, ...rest }: tf.io.ModelArtifacts, folder: string): number {
  mkdirSync(folder, { recursive: true });
  const weightsManifest = [{ paths: ['weights.bin'], weights: weightSpecs }];
  writeFileSync(join(folder, 'model.json'), JSON.stringify({ ...rest, weightsManifest }));
  const bytes = new Uint8Array(tf.io.CompositeArrayBuffer.join(weightData));
  writeFileSync(join(folder, 'weights.bin'), bytes);
  return bytes.length;
}
