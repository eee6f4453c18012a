/** Writes the pictures of docs/corruptions.md: of every corruption a strip of clean and severities 1, 3 and 5. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { CORRUPTIONS, corrupt, VALIDATION_CORRUPTIONS } from '@qgen/corruptions';
import * as tf from '@tensorflow/tfjs-core';
import sharp from 'sharp';
import '@tensorflow/tfjs-backend-cpu';

const side = 224; // the size that the parameters of ImageNet-C are made for
const out = process.argv[2] ?? join(import.meta.dirname, '../../docs/images');
await tf.setBackend('cpu');
mkdirSync(out, { recursive: true });

const photo = join(import.meta.dirname, '../images/astronaut.png');
const pixels = await sharp(photo).removeAlpha().raw().toBuffer();
const clean = tf.tensor3d(Int32Array.from(pixels), [side, side, 3], 'int32');
const gap = tf.fill([side, 4, 3], 255, 'int32');

for (const name of [...CORRUPTIONS, ...VALIDATION_CORRUPTIONS]) {
  const strip = tf.tidy(() => {
    const pictures = [1, 3, 5].map((severity) => corrupt(clean, name, { severity, preset: 'imagenet-c', seed: 1 }));
    return tf.concat([clean, ...pictures.flatMap((picture) => [gap, picture])], 1);
  });
  const [height, width] = strip.shape;
  await sharp(Uint8Array.from(await strip.data()), { raw: { width, height, channels: 3 } })
    .webp({ quality: 80, smartSubsample: true, effort: 6 })
    .toFile(join(out, `${name}.webp`));
  strip.dispose();
}
console.log(`corruption-pictures: wrote ${CORRUPTIONS.length + VALIDATION_CORRUPTIONS.length} strips to ${out}`);
