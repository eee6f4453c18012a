import { type CorruptionName, corrupt } from '@qgen/corruptions';
import * as tf from '@tensorflow/tfjs-core';
import sharp from 'sharp';
import type { StudyData } from '../data/examples';
import type { Measuring } from '../plan/measuring';

/** One distorted example for the grid of pictures; `source` is a data URI, severity 0 the clean image. */
export interface Sample {
  readonly name: CorruptionName;
  readonly severity: number;
  readonly source: string;
}

/** The first test image, clean and under every distortion of the study, as the trials saw it. */
export async function samplesOf(
  data: StudyData,
  { corruptions, severities, seed }: Measuring,
): Promise<readonly Sample[]> {
  const [height, width, channels] = data.shape;
  const clean = tf.tensor4d(await data.test.levels(Int32Array.of(0)), [1, ...data.shape], 'int32');
  const cells = corruptions.flatMap((name) => [0, ...severities].map((severity) => ({ name, severity })));
  const pictures: Sample[] = [];
  for (const { name, severity } of cells) {
    const image = severity === 0 ? clean : corrupt(clean, name, { severity, preset: data.preset, seed });
    const levels = Uint8Array.from(await image.data());
    if (image !== clean) image.dispose();
    const png = await sharp(levels, { raw: { width, height, channels: channels as 1 | 3 } })
      .png()
      .toBuffer();
    pictures.push({ name, severity, source: `data:image/png;base64,${png.toString('base64')}` });
  }
  clean.dispose();
  return pictures;
}
