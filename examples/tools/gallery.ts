/**
 * `npm run gallery`: one self-contained page with all 19 corruptions at five severities, on a photo with the parameters
 * of ImageNet-C and on a 32×32 image with those of CIFAR-10-C.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import {
  CORRUPTIONS,
  type CorruptionName,
  corrupt,
  type Preset,
  SEVERITIES,
  VALIDATION_CORRUPTIONS,
} from '@qgen/corruptions';
import * as tf from '@tensorflow/tfjs-core';
import sharp from 'sharp';
import '@tensorflow/tfjs-backend-cpu';

const HELP = `Usage: npm run gallery -- [options]

Writes one page that shows the 15 corruptions and the 4 validation corruptions at severities 1 to 5.

  --photo FILE    a photo instead of the astronaut; its middle square is shown
  --data DIR      take the small image from CIFAR-10, standard binary format   [a 32×32 cup of coffee]
  --index N       which test image of --data                                   [0]
  --seed N        of everything random                                         [0]
  --out DIR       where index.html goes                                        [results/gallery]
  --help`;

/** What each corruption does, in a reader's words; `parameters` names the numbers of SEVERITIES. */
const DESCRIPTIONS: Readonly<Record<CorruptionName, { readonly text: string; readonly parameters: string }>> = {
  gaussian_noise: { text: 'Independent normal noise on every value.', parameters: 'σ' },
  shot_noise: { text: 'Photon counts: Poisson noise, stronger where it is bright.', parameters: 'photons at white' },
  impulse_noise: { text: 'Salt and pepper: single values turn white or black.', parameters: 'share' },
  defocus_blur: { text: 'Out of focus: every point becomes a disk.', parameters: 'radius, anti-aliasing σ' },
  glass_blur: {
    text: 'Frosted glass: pixels trade places nearby, between two blurs.',
    parameters: 'σ, distance, rounds',
  },
  motion_blur: { text: 'The camera moves: a fading trail along one direction.', parameters: 'radius, σ' },
  zoom_blur: { text: 'The camera zooms: a mean over magnifications.', parameters: 'step, layers' },
  snow: { text: 'Falling flakes, and colours bleached.', parameters: 'mean, σ, zoom, threshold, radius, σ, mix' },
  frost: { text: 'Ice crystals on the pane; synthetic textures.', parameters: 'image, frost' },
  fog: { text: 'A plasma fractal of haze.', parameters: 'amount, decay' },
  brightness: { text: 'The HSV value is raised.', parameters: 'added value' },
  contrast: { text: 'Values move toward the mean of their channel.', parameters: 'factor' },
  elastic_transform: {
    text: 'A random affine map, then a smooth random displacement.',
    parameters: 'α, σ, affine (px)',
  },
  pixelate: { text: 'Down with a box filter, and up again.', parameters: 'scale' },
  jpeg_compression: { text: 'JPEG and back.', parameters: 'quality' },
  speckle_noise: { text: 'Normal noise in proportion to the value.', parameters: 'σ' },
  gaussian_blur: { text: 'A normal kernel.', parameters: 'σ' },
  spatter: {
    text: 'Drops of water, at severities 4 and 5 mud.',
    parameters: 'mean, σ, blur, threshold, strength, mud',
  },
  saturate: { text: 'The HSV saturation is scaled and shifted.', parameters: 'factor, shift' },
};

const FAMILIES: readonly { readonly title: string; readonly names: readonly CorruptionName[] }[] = [
  { title: 'Noise', names: CORRUPTIONS.slice(0, 3) },
  { title: 'Blur', names: CORRUPTIONS.slice(3, 7) },
  { title: 'Weather', names: CORRUPTIONS.slice(7, 11) },
  { title: 'Digital', names: CORRUPTIONS.slice(11) },
  { title: 'Held back for validation', names: VALIDATION_CORRUPTIONS },
];

const SEVERITY_LEVELS = [1, 2, 3, 4, 5] as const;
const folder = join(import.meta.dirname, '../images');

class UsageError extends Error {}

interface Subject {
  readonly image: tf.Tensor3D;
  readonly preset: Preset;
  readonly credit: string;
  encode(image: tf.Tensor3D): Promise<string>;
}

async function main(): Promise<void> {
  const values = options();
  if (values.help) {
    console.log(HELP);
    return;
  }
  const seed = wholeNumber('--seed', values.seed);
  await tf.setBackend('cpu');
  const photo = await photoOf(values.photo);
  const small =
    values.data === undefined ? await smallCoffee() : cifarImage(values.data, wholeNumber('--index', values.index));

  const cells = async (name: CorruptionName, severity: 1 | 2 | 3 | 4 | 5) => {
    const sources = [];
    for (const { image, preset, encode } of [photo, small]) {
      const corrupted = corrupt(image, name, { severity, preset, seed, firstIndex: severity });
      sources.push(await encode(corrupted));
      corrupted.dispose();
    }
    return sources as [string, string];
  };
  const rows = new Map<CorruptionName, [string, string][]>();
  const all = FAMILIES.flatMap(({ names }) => names);
  for (const [done, name] of all.entries()) {
    process.stderr.write(`\r${String(done + 1).padStart(2)} of ${all.length}  ${name.padEnd(20)}`);
    rows.set(name, await Promise.all(SEVERITY_LEVELS.map((severity) => cells(name, severity))));
  }
  process.stderr.write('\n');
  const html = page(rows, [await photo.encode(photo.image), await small.encode(small.image)], [photo, small], seed);
  mkdirSync(values.out, { recursive: true });
  const file = join(values.out, 'index.html');
  writeFileSync(file, html);
  console.log(`Wrote ${file} (${(html.length / 2 ** 20).toFixed(1)} MiB)`);
}

function options() {
  try {
    return parseArgs({
      options: {
        photo: { type: 'string' },
        data: { type: 'string' },
        index: { type: 'string', default: '0' },
        seed: { type: 'string', default: '0' },
        out: { type: 'string', default: join('results', 'gallery') },
        help: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    throw new UsageError(`${(error as Error).message.split('. ')[0]}; --help lists the options`);
  }
}

function wholeNumber(name: string, text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isSafeInteger(value) || value < 0)
    throw new UsageError(`${name} must be an integer from 0, got '${text}'`);
  return value;
}

async function photoOf(file: string | undefined): Promise<Subject> {
  const source = sharp(file ?? join(folder, 'astronaut.png'))
    .rotate()
    .removeAlpha()
    .toColourspace('srgb');
  const { data } = await source
    .resize(224, 224, { fit: 'cover' })
    .raw()
    .toBuffer({ resolveWithObject: true })
    .catch((error: Error) => {
      throw new UsageError(`--photo: ${file} can't be read (${error.message}); give a JPEG, PNG or WebP file`);
    });
  return {
    image: tf.tensor3d(Int32Array.from(data), [224, 224, 3], 'int32'),
    preset: 'imagenet-c',
    credit: file ? 'your photo' : 'Eileen Collins, NASA (public domain)',
    encode: async (image) => {
      const levels = Uint8Array.from(await image.data());
      const webp = await sharp(levels, { raw: { width: 224, height: 224, channels: 3 } })
        .webp({ quality: 90 })
        .toBuffer();
      return `data:image/webp;base64,${webp.toString('base64')}`;
    },
  };
}

async function smallCoffee(): Promise<Subject> {
  const data = await sharp(join(folder, 'coffee.png')).removeAlpha().resize(32, 32).raw().toBuffer();
  return smallSubject(Int32Array.from(data), 'a cup of coffee by Rachel Michetti (CC0), 32×32');
}

const RECORD = 1 + 3 * 1024;

function cifarImage(data: string, index: number): Subject {
  let bytes: Buffer;
  try {
    bytes = readFileSync(join(data, 'test_batch.bin'));
  } catch {
    throw new UsageError(`--data: ${data} holds no test_batch.bin; unpack the binary version of CIFAR-10 there`);
  }
  if (bytes.length === 0 || bytes.length % RECORD !== 0)
    throw new UsageError(`--data: test_batch.bin has ${bytes.length} bytes, no multiple of ${RECORD}; fetch it again`);
  if (index >= bytes.length / RECORD)
    throw new UsageError(`--index must be below ${bytes.length / RECORD}, the number of test images, got ${index}`);
  const planes = bytes.subarray(index * RECORD + 1, (index + 1) * RECORD);
  const levels = Int32Array.from({ length: 3072 }, (_, at) => planes[(at % 3) * 1024 + Math.floor(at / 3)]);
  return smallSubject(levels, `CIFAR-10 test image ${index}`);
}

function smallSubject(levels: Int32Array, credit: string): Subject {
  return {
    image: tf.tensor3d(levels, [32, 32, 3], 'int32'),
    preset: 'cifar-c',
    credit,
    encode: async (image) => {
      const png = await sharp(Uint8Array.from(await image.data()), { raw: { width: 32, height: 32, channels: 3 } })
        .png()
        .toBuffer();
      return `data:image/png;base64,${png.toString('base64')}`;
    },
  };
}

function page(
  rows: ReadonlyMap<CorruptionName, readonly (readonly [string, string])[]>,
  clean: readonly [string, string],
  [photo, small]: readonly [Subject, Subject],
  seed: number,
): string {
  const numbers = (value: unknown) => [value].flat().join(', ');
  const pair = ([large, little]: readonly [string, string], name: string) =>
    `<img src="${large}" width="224" height="224" alt="${name}, photo" loading="lazy"><img class="small" src="${little}" width="96" height="96" alt="${name}, 32×32" loading="lazy">`;
  const cell = (name: CorruptionName, severity: number, sources: readonly [string, string]) => {
    const parameters = (preset: Preset) => numbers(SEVERITIES[name][preset][severity - 1]);
    return `<figure data-severity="${severity}">${pair(sources, `${label(name)} at severity ${severity}`)}<figcaption><span><b>224</b> ${parameters(photo.preset)}</span><span><b>32</b> ${parameters(small.preset)}</span></figcaption></figure>`;
  };
  const row = (name: CorruptionName) => `<section class="row" id="${name}">
<div class="about"><h3>${label(name)}</h3><code>${name}</code><p>${DESCRIPTIONS[name].text}</p><p class="parameters">Numbers: ${DESCRIPTIONS[name].parameters}</p></div>
${rows
  .get(name)!
  .map((sources, i) => cell(name, i + 1, sources))
  .join('\n')}
</section>`;
  const family = ({ title, names }: (typeof FAMILIES)[number]) => `<h2>${title}</h2>\n${names.map(row).join('\n')}`;
  const links = FAMILIES.flatMap(({ names }) => names).map((name) => `<a href="#${name}">${label(name)}</a>`);
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Common corruptions: 19 at five severities</title><style>${STYLE}</style></head><body>
<header>
<div class="clean">${pair(clean, 'the clean images')}</div>
<div><h1>Common corruptions</h1>
<p>The 15 corruptions of ImageNet-C and CIFAR-10-C (Hendrycks &amp; Dietterich 2019) and the four held back for validation, computed by <code>@qgen/corruptions</code>, seed ${seed}. Left, clean: the photo at 224×224 gets the parameters of <b>${photo.preset}</b>, the image at 32×32 those of <b>${small.preset}</b>.</p>
<p class="credits">Photo: ${photo.credit}. Small image: ${small.credit}, shown three times enlarged.</p>
<nav>${links.join(' ')}</nav></div>
</header>
<div class="row severities" aria-hidden="true"><div></div>${SEVERITY_LEVELS.map((s) => `<div>severity ${s}</div>`).join('')}</div>
<main>
${FAMILIES.map(family).join('\n')}
</main></body></html>
`;
}

function label(name: string): string {
  const words = name.replace('_', ' ').replace('jpeg', 'JPEG');
  return words[0].toUpperCase() + words.slice(1);
}

const STYLE = `
:root{color-scheme:light dark;--paper:#f4f4f2;--ink:#1d1f21;--soft:#6a6d70;--line:#d9d9d5}
@media (prefers-color-scheme:dark){:root{--paper:#1e1f21;--ink:#e6e6e3;--soft:#9a9c9e;--line:#38393b}}
*{box-sizing:border-box}
body{margin:0 auto;padding:32px 24px 64px;max-width:1460px;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
h1{font-size:2rem;margin:0 0 .3em;letter-spacing:-.01em}
h2{font-size:1.25rem;margin:2.4em 0 .2em;padding-top:.6em;border-top:2px solid var(--line)}
h3{font-size:1.02rem;margin:0}
p{margin:.5em 0;max-width:84ch}code{font-size:.84em;color:var(--soft)}
header{display:flex;gap:28px;align-items:flex-start;flex-wrap:wrap}header>div:last-child{flex:1;min-width:300px}
.clean{width:224px;position:relative}.credits,.parameters{color:var(--soft);font-size:.84em}
nav{display:flex;flex-wrap:wrap;gap:.2em .9em;font-size:.88em}a{color:inherit;text-underline-offset:3px;text-decoration-color:var(--soft)}
.row{display:grid;grid-template-columns:minmax(150px,200px) repeat(5,minmax(96px,224px));gap:14px;padding:14px 0;border-bottom:1px solid var(--line);scroll-margin-top:40px}
.severities{position:sticky;top:0;background:var(--paper);z-index:1;padding:8px 0;margin-top:18px;font-weight:600;text-align:center}
figure,.clean{margin:0}
img{display:block;width:100%;height:auto;border-radius:3px}
img.small{width:43%;image-rendering:pixelated;margin-top:6px}
figure{display:grid;grid-template-columns:43% 1fr;column-gap:10px;align-content:start}
figure img:first-child{grid-column:1/3}
figcaption{display:flex;flex-direction:column;gap:.5em;padding-top:8px;font:11px/1.35 ui-monospace,monospace;color:var(--soft);overflow-wrap:anywhere}
figure img.small{width:100%}
@media (max-width:820px){.row{grid-template-columns:repeat(5,minmax(90px,1fr));overflow-x:auto}.row .about{grid-column:1/-1}.severities>div:first-child{display:none}}
@media print{.severities{position:static}}`;

try {
  await main();
  process.exit(0);
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(`gallery: ${error.message}`);
  process.exit(2);
}
