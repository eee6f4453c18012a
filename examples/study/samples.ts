import { corrupt } from '@qgen/corruptions';
import * as tf from '@tensorflow/tfjs-core';
import sharp from 'sharp';
import type { Dataset } from '../shared/dataset';
import { imageBatch } from '../shared/dataset';
import type { Sample } from './report';
import { DISTORTIONS, PRESET, SEVERITIES } from './trial';

/** Three test images, clean (severity 0) and under every distortion of the study, as the trials saw them. */
export async function samples({ test, shape }: Dataset, seed: number): Promise<readonly Sample[]> {
  const clean = imageBatch(test, [0, 1, 2], shape);
  const cells = DISTORTIONS.flatMap((name) => [0, ...SEVERITIES].map((severity) => ({ name, severity })));
  const pictures = await Promise.all(
    cells.map(async ({ name, severity }) => {
      const images = severity === 0 ? clean : (corrupt(clean, name, { severity, preset: PRESET, seed }) as tf.Tensor4D);
      const sources = await pngs(images);
      if (images !== clean) images.dispose();
      return sources.map((source) => ({ name, severity, source }));
    }),
  );
  clean.dispose();
  return pictures.flat();
}

/** Each image of a batch as a PNG data URI. */
async function pngs(images: tf.Tensor4D): Promise<string[]> {
  const [, height, width, channels] = images.shape;
  return Promise.all(
    tf.unstack(images).map(async (image) => {
      const values = await image.data();
      image.dispose();
      const raw = { width, height, channels: channels as 1 | 3 };
      const png = await sharp(
        Uint8Array.from(values, (value) => Math.round(value * 255)),
        { raw },
      )
        .png()
        .toBuffer();
      return `data:image/png;base64,${png.toString('base64')}`;
    }),
  );
}
