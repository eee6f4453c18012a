import { requireKnownOptions, requireOneOf } from '@qgen/core';
import * as tf from '@tensorflow/tfjs-core';
import { type CorruptionName, NAMES, PRESETS, type Preset } from '../options/severities';
import type { CorruptedData, LabelledBatch } from '../report/corrupted-data';
import { listed, type NamedFile, openFile, parted } from './named-file';

/** The result of a decoder: levels 0..255, row by row, 1, 3 or 4 channels innermost (an ImageData fits; alpha is dropped). */
export interface DecodedImage {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array | Uint8ClampedArray;
}

export interface ImageFolderOptions {
  /** Decodes one file: `createImageBitmap` and a canvas in a browser, sharp in Node. May resize, too. */
  readonly decode: (bytes: Uint8Array, name: string) => Promise<DecodedImage> | DecodedImage;
  /** The class folders in the order of the model's outputs. Default: those present, sorted by name. */
  readonly classes?: readonly string[];
  readonly preset?: Preset;
}

interface Entry {
  readonly file: NamedFile;
  readonly label: string;
}

/**
 * A folder of corrupted images as ImageNet-C and Tiny-ImageNet-C are published, as data for `corruptionReport`: files
 * `…/gaussian_noise/3/n01440764/ILSVRC2012_val_00000293.JPEG`, that is corruption, severity, class, image. Files are
 * opened and decoded batch by batch, in the order of their names; other files are passed over.
 *
 * With only some of the classes in the folder, `classes` must name them all, or the labels would be counted wrongly.
 * Throws a RangeError naming the file that is of no known class, given twice, in another data set than the others of its
 * corruption and severity, does not decode or has another size than its batch, and on an unknown option; a TypeError where `files` are
 * no files or `decode` is no function.
 */
export async function imageNetCFolder(
  files: Iterable<NamedFile> | AsyncIterable<NamedFile>,
  options: ImageFolderOptions,
): Promise<CorruptedData> {
  requireKnownOptions('imageNetCFolder', options, ['decode', 'classes', 'preset']);
  const { decode, classes, preset = 'imagenet-c' } = options ?? {};
  if (typeof decode !== 'function')
    throw new TypeError(
      `imageNetCFolder: decode must be a function from the bytes of a file to { width, height, data }, got ${typeof decode}`,
    );
  requireOneOf('imageNetCFolder', 'preset', preset, PRESETS);
  if (classes !== undefined) requireDistinct(classes);
  const groups = await grouped(files, classes);
  for (const entries of groups.values()) {
    entries.sort((a, b) => (a.file.name < b.file.name ? -1 : 1));
    const twice = entries.find(({ file }, i) => i > 0 && file.name === entries[i - 1].file.name);
    if (twice) throw new RangeError(`imageNetCFolder: ${twice.file.name} is given twice; give every file once`);
  }
  const present = new Set([...groups.values()].flatMap((entries) => entries.map(({ label }) => label)));
  const order = classes ?? [...present].sort();
  const indexOf = new Map(order.map((label, index) => [label, index]));
  const keys = [...groups.keys()].map((key) => key.split('/'));
  return {
    source: 'images of a folder in the layout of ImageNet-C',
    preset,
    corruptions: NAMES.filter((name) => keys.some(([corruption]) => corruption === name)),
    severities: [1, 2, 3, 4, 5].filter((severity) => keys.some(([, text]) => text === String(severity))),
    async *batches(corruption, severity, batchSize): AsyncGenerator<LabelledBatch> {
      const entries = groups.get(`${corruption}/${severity}`) ?? [];
      for (let start = 0; start < entries.length; start += batchSize) {
        const batch = entries.slice(start, start + batchSize);
        const images = [];
        for (const { file } of batch) images.push(await decodeFile(file, decode));
        yield { xs: stacked(images), ys: Int32Array.from(batch, ({ label }) => indexOf.get(label)!) };
      }
    },
  };
}

/** The files of images by `corruption/severity`, each with its class; files of other names are passed over. */
async function grouped(
  files: Iterable<NamedFile> | AsyncIterable<NamedFile>,
  classes: readonly string[] | undefined,
): Promise<Map<string, Entry[]>> {
  const groups = new Map<string, Entry[]>();
  const firsts = new Map<string, NamedFile>();
  for await (const file of listed('imageNetCFolder', files)) {
    const { folder, parts } = parted(file.name, 4);
    const [corruption, severity, label, image] = parts as [string, string, string, string?];
    const isImage = image !== undefined && !image.startsWith('.');
    if (!isImage || !NAMES.includes(corruption as CorruptionName) || !/^[1-5]$/.test(severity)) continue;
    if (classes && !classes.includes(label))
      throw new RangeError(`imageNetCFolder: ${file.name} is of class ${label}, which classes does not name; add it`);
    const key = `${corruption}/${severity}`;
    const first = firsts.get(key) ?? file;
    firsts.set(key, first);
    if (parted(first.name, 4).folder !== folder)
      throw new RangeError(
        `imageNetCFolder: ${first.name} and ${file.name} lie in two data sets; give the files of one`,
      );
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key)!.push({ file, label });
  }
  if (groups.size === 0)
    throw new RangeError(
      'imageNetCFolder: no file lies in corruption/severity/class/; give names as gaussian_noise/3/n01440764/1.JPEG',
    );
  return groups;
}

function requireDistinct(classes: readonly string[]): void {
  if (!Array.isArray(classes) || !classes.every((label) => typeof label === 'string'))
    throw new TypeError('imageNetCFolder: classes must be an array of the names of class folders');
  const twice = classes.find((label, i) => classes.indexOf(label) !== i);
  if (twice !== undefined) throw new RangeError(`imageNetCFolder: classes has ${twice} twice; name each once`);
}

interface NamedImage extends DecodedImage {
  readonly name: string;
  readonly channels: number;
}

async function decodeFile(file: NamedFile, decode: ImageFolderOptions['decode']): Promise<NamedImage> {
  const { name } = file;
  const { size, read, error } = await openFile('imageNetCFolder', file);
  const fail = (problem: string) => error(problem, 'fetch it again or leave it out');
  if (size === 0) throw fail('the file is empty');
  let image: DecodedImage;
  try {
    image = await decode(await read(0, size), name);
  } catch (error) {
    throw Object.assign(fail(`it does not decode (${error instanceof Error ? error.message : error})`), {
      cause: error,
    });
  }
  const { width, height, data } = image ?? {};
  if (!(data instanceof Uint8Array || data instanceof Uint8ClampedArray))
    throw error('decode gave no { width, height, data } with data of bytes', 'let it return levels 0..255');
  const channels = data.length / (width * height);
  if (channels !== 1 && channels !== 3 && channels !== 4)
    throw fail(`decode gave ${data.length} values for ${width}×${height} pixels`);
  return { name, width, height, data, channels };
}

function stacked(images: readonly NamedImage[]): tf.Tensor4D {
  const [{ name, width, height, channels }] = images;
  const kept = Math.min(channels, 3);
  const pixels = new Int32Array(images.length * width * height * kept);
  let at = 0;
  for (const image of images) {
    if (image.width !== width || image.height !== height || image.channels !== channels)
      throw new RangeError(
        `imageNetCFolder: ${image.name}: ${image.width}×${image.height}×${image.channels}, but ${name} is ${width}×${height}×${channels}; let decode resize them alike`,
      );
    for (let i = 0; i < image.data.length; i += channels)
      for (let c = 0; c < kept; c++) pixels[at++] = image.data[i + c];
  }
  return tf.tensor4d(pixels, [images.length, height, width, kept], 'int32');
}
