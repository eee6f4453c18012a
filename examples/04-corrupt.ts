/**
 * Corrupt a folder of PNGs: npm run example corrupt -- FOLDER [OUT] [CORRUPTION] [SEVERITY]. Writes every picture as
 * ImageNet-C would have it; without a folder it takes the pictures of this one.
 */
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { CORRUPTIONS, type CorruptionName, corrupt } from '@qgen/corruptions';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import sharp from 'sharp';

const [folder = 'examples/images', out = 'results/corrupted', only, severity = '3'] = process.argv.slice(2);
await tf.ready();
mkdirSync(out, { recursive: true });

const names = only ? [only as CorruptionName] : CORRUPTIONS;
for (const [index, file] of readdirSync(folder)
  .filter((name) => /\.png$/i.test(name))
  .entries()) {
  const { data, info } = await sharp(join(folder, file))
    .removeAlpha()
    .toColourspace('srgb')
    .raw()
    .toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  const image = tf.tensor3d(Int32Array.from(data), [height, width, channels], 'int32');
  for (const name of names) {
    // Picture i of the folder gets the randomness that it would have at place i of a batch.
    const corrupted = corrupt(image, name, {
      severity: Number(severity),
      preset: 'imagenet-c',
      seed: 1,
      firstIndex: index,
    });
    const raw = { width, height, channels: channels as 1 | 3 };
    await sharp(Uint8Array.from(await corrupted.data()), { raw })
      .png()
      .toFile(join(out, file.replace(/\.png$/i, `-${name}.png`)));
    corrupted.dispose();
  }
  image.dispose();
  console.log(`${file}: ${names.length} picture${names.length === 1 ? '' : 's'} in ${out}`);
}
