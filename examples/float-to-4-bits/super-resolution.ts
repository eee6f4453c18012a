import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { philoxUniforms } from '@qgen/core';
import { exportQuantized, loadQuantized, modelSize, quantizeModel } from '@qgen/lsq';
import * as tf from '@tensorflow/tfjs-core';
import { type LayersModel, loadLayersModel } from '@tensorflow/tfjs-layers';
import sharp from 'sharp';

/** Quality in decibels (PSNR of 8-bit values): against the photo, and against what the float model makes of it. */
export interface Row {
  readonly model: string;
  readonly bytes: number;
  readonly toPhoto: number;
  readonly toFloat: number;
}

const CROP = 24;
const BATCH = 8;

/** The super-resolution network of @upscalerjs/default-model in float, quantized, fine-tuned and shipped. */
export async function quantizeUpscaler({ bits = 4, steps = 60, out = null as string | null } = {}): Promise<Row[]> {
  const float = await loadUpscaler();
  const [training, held] = [await photo('astronaut'), await photo('coffee')];
  const small = halved(training);
  const target = float.predict(small) as tf.Tensor4D;
  const reference = enlarged(float, held);
  const rows: Row[] = [];
  const report = (model: string, bytes: number, result: tf.Tensor4D) => {
    rows.push({ model, bytes, toPhoto: psnr(result, held), toFloat: psnr(result, reference) });
    result.dispose();
  };
  const { floatBytes } = modelSize(float);
  report('bilinear, no model', 0, tf.image.resizeBilinear(halved(held), [held.shape[1], held.shape[2]]));
  report('float', floatBytes, enlarged(float, held));

  // The step that fits the weights best is the better start, where there is little training to make up for it.
  const quantized = await quantizeModel(float, { bits, init: 'mse' });
  const { quantizedBytes } = modelSize(quantized);
  report(`${bits} bits, not trained`, quantizedBytes, enlarged(quantized, held));

  // The float model is the teacher: its output is what the quantized one is to give, so any photo does.
  quantized.compile({ optimizer: tf.train.adam(1e-4), loss: 'meanSquaredError' });
  for (let step = 0; step < steps; step++) {
    const [xs, ys] = crops(small, target, step);
    await quantized.trainOnBatch(xs, ys);
    tf.dispose([xs, ys]);
  }
  report(`${bits} bits, ${steps} steps`, quantizedBytes, enlarged(quantized, held));

  const packed = await exportQuantized(quantized, { format: 'packed' });
  if (out !== null) save(packed, out);
  const shipped = await loadQuantized(tf.io.fromMemory(packed));
  report('loaded from the packed file', (packed.weightData as ArrayBuffer).byteLength, enlarged(shipped, held));
  return rows;
}

/** The model as the package holds it: model.json and one file of weights. */
async function loadUpscaler(): Promise<LayersModel> {
  let folder = dirname(createRequire(import.meta.url).resolve('@upscalerjs/default-model'));
  while (!existsSync(join(folder, 'models/model.json'))) folder = dirname(folder);
  const file = (name: string) => readFileSync(join(folder, 'models', name));
  const { modelTopology, weightsManifest } = JSON.parse(file('model.json').toString()) as tf.io.ModelJSON;
  const weightSpecs = weightsManifest.flatMap(({ weights }) => weights);
  const weights = Buffer.concat(weightsManifest.flatMap(({ paths }) => paths.map(file)));
  const weightData = new Uint8Array(weights).buffer;
  return loadLayersModel(tf.io.fromMemory({ modelTopology, weightSpecs, weightData }));
}

/** A photo as `[1, height, width, 3]` with values 0 to 255, as this model takes them. */
async function photo(name: string): Promise<tf.Tensor4D> {
  const file = join(import.meta.dirname, '../images', `${name}.png`);
  const { data, info } = await sharp(file).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  return tf.tensor4d(new Float32Array(data), [1, info.height, info.width, 3]);
}

const halved = (image: tf.Tensor4D): tf.Tensor4D => tf.tidy(() => tf.round(tf.avgPool(image, 2, 2, 'valid')));

const enlarged = (model: LayersModel, image: tf.Tensor4D): tf.Tensor4D =>
  tf.tidy(() => tf.clipByValue(model.predict(halved(image)) as tf.Tensor4D, 0, 255));

/** A batch of crops from the same places of the small image and of what the float model made of it. */
function crops(small: tf.Tensor4D, target: tf.Tensor4D, step: number): [tf.Tensor, tf.Tensor] {
  const places = philoxUniforms(2 * BATCH, { seed: 1, offset: 2 * BATCH * step });
  const cut = (image: tf.Tensor4D, scale: number) =>
    tf.concat(
      Array.from({ length: BATCH }, (_, i) => {
        const at = (place: number, size: number) => scale * Math.floor(place * (size - CROP + 1));
        const [row, column] = [at(places[2 * i]!, small.shape[1]), at(places[2 * i + 1]!, small.shape[2])];
        return tf.slice(image, [0, row, column, 0], [1, scale * CROP, scale * CROP, 3]);
      }),
    );
  return tf.tidy(() => [cut(small, 1), cut(target, 2)]);
}

function psnr(a: tf.Tensor, b: tf.Tensor): number {
  const error = tf.tidy(() => tf.mean(tf.squaredDifference(a, b)).dataSync()[0]!);
  return 10 * Math.log10(255 ** 2 / error);
}

/** Writes artifacts the way tfjs saves to files: model.json and weights.bin. */
function save({ weightData, weightSpecs, ...rest }: tf.io.ModelArtifacts, folder: string): void {
  mkdirSync(folder, { recursive: true });
  const weightsManifest = [{ paths: ['weights.bin'], weights: weightSpecs }];
  writeFileSync(join(folder, 'model.json'), JSON.stringify({ ...rest, weightsManifest }));
  writeFileSync(join(folder, 'weights.bin'), new Uint8Array(weightData as ArrayBuffer));
}
