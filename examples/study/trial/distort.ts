import {
  CORRUPTIONS,
  type CorruptedData,
  type CorruptionName,
  corrupt,
  corruptionReport,
  type LabelledBatch,
} from '@qgen/corruptions';
import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { consecutive } from '../../shared/dataset';
import { type Examples, firstOf, labelsAt, prepared, type StudyData } from '../data/examples';
import type { DistortedCell, Numbers } from '../folder/result';
import type { Measuring } from '../plan/measuring';

const BATCH = 200;
const SEVERITIES = [1, 2, 3, 4, 5];
/** Above it the images are distorted anew for every trial. */
const KEPT_BYTES = 5e8;

/**
 * Makes the distorted test images once and keeps their levels: they are the same for every trial, and distorting them takes
 * longer than a pass of a small network over them.
 */
export function keptDistortions(data: StudyData, { seed, corruptedExamples }: Measuring): CorruptedData {
  const examples = firstOf(data.test, corruptedExamples);
  const bytes = examples.size * data.shape[0] * data.shape[1] * data.shape[2];
  const keeps = bytes * CORRUPTIONS.length * SEVERITIES.length < KEPT_BYTES;
  const kept = new Map<string, Uint8Array[]>();
  const make = async (name: CorruptionName, severity: number): Promise<Uint8Array[]> => {
    const parts: Uint8Array[] = [];
    for (const indices of consecutive(examples.size, BATCH)) {
      const images = tf.tensor4d(await examples.levels(indices), [indices.length, ...data.shape], 'int32');
      const distorted = corrupt(images, name, { severity, preset: data.preset, seed, firstIndex: indices[0]! });
      parts.push(Uint8Array.from(await distorted.data()));
      tf.dispose([images, distorted]);
    }
    return parts;
  };
  return {
    source: 'images corrupted on the fly',
    preset: data.preset,
    corruptions: CORRUPTIONS,
    severities: SEVERITIES,
    async *batches(name, severity): AsyncGenerator<LabelledBatch> {
      const key = `${name}/${severity}`;
      const parts = kept.get(key) ?? (await make(name, severity));
      if (keeps) kept.set(key, parts);
      let part = 0;
      for (const indices of consecutive(examples.size, BATCH))
        yield {
          xs: tf.tensor4d(parts[part++]!, [indices.length, ...data.shape], 'int32'),
          ys: labelsAt(examples, indices),
        };
    },
  };
}

/** Loss, accuracy and gap of a trained network under every distortion and severity that is asked for. */
export async function measureDistorted(
  model: LayersModel,
  data: StudyData,
  distorted: CorruptedData,
  { corruptions, severities, corruptedExamples }: Measuring,
  trainLoss: Numbers['train'],
  onProgress: (share: number) => void,
): Promise<readonly DistortedCell[]> {
  const clean = cleanImages(data, firstOf(data.test, corruptedExamples));
  const { results } = await corruptionReport(model, clean, {
    corrupted: distorted,
    corruptions: corruptions.filter((name) => distorted.corruptions.includes(name)),
    severities: severities.filter((severity) => distorted.severities.includes(severity)),
    trainLoss: { loss: trainLoss.loss, standardError: trainLoss.lossStandardError },
    output: 'logits',
    batchSize: BATCH,
    preprocess: (images) => tf.tidy(() => prepared(data, tf.div(images, 255))),
    onProgress: ({ done, total }) => onProgress(done / total),
  });
  return results.map(({ corruption, severity, loss, accuracy, gap, gapStandardError }) => ({
    name: corruption,
    severity,
    loss,
    accuracy,
    gap: gap!,
    gapStandardError: gapStandardError!,
  }));
}

function cleanImages(data: StudyData, examples: Examples) {
  return {
    size: examples.size,
    batch: async (indices: Int32Array) => ({
      xs: tf.tensor4d(await examples.levels(indices), [indices.length, ...data.shape], 'int32'),
      ys: labelsAt(examples, indices),
    }),
  };
}
