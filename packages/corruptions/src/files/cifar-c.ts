import { requireKnownOptions, requireOneOf } from '@qgen/core';
import * as tf from '@tensorflow/tfjs-core';
import { type CorruptionName, NAMES, PRESETS, type Preset } from '../options/severities';
import type { CorruptedData, LabelledBatch } from '../report/corrupted-data';
import { listed, type NamedFile, type OpenFile, openFile, parted } from './named-file';
import { readNpyHeader, readNpyIntegers } from './npy';

const SEVERITIES = [1, 2, 3, 4, 5];

interface Images {
  readonly file: OpenFile;
  readonly offset: number;
  readonly rows: number;
  /** Height, width and channels of one image. */
  readonly shape: readonly [number, number, number];
}

/**
 * The published CIFAR-10-C or CIFAR-100-C (zenodo.org/records/2535967 and 3555552) as data for `corruptionReport`:
 * `fog.npy` and the like, uint8 [5·n, 32, 32, 3] with the rows of severity 1 first, and `labels.npy` with the n labels,
 * once or repeated for every severity, all in one folder. Other files are passed over. Pixels are read batch by batch:
 * nothing of a Blob is held but the batch at hand.
 *
 * Throws a RangeError that names the file which is missing, given twice, in another folder, truncated, of another shape
 * or no .npy, and on an unknown option; a TypeError where `files` are no files.
 */
export async function cifarCFiles(
  files: Iterable<NamedFile> | AsyncIterable<NamedFile>,
  options: { readonly preset?: Preset } = {},
): Promise<CorruptedData> {
  requireKnownOptions('cifarCFiles', options, ['preset']);
  const { preset = 'cifar-c' } = options;
  requireOneOf('cifarCFiles', 'preset', preset, PRESETS);
  const images = new Map<CorruptionName, Images>();
  let labels: Int32Array | undefined;
  const found = new Map<string, string>();
  for await (const named of listed('cifarCFiles', files)) {
    const { folder, parts } = parted(named.name, 1);
    const stem = /^(.+)\.npy$/.exec(parts[0])?.[1];
    const corruption = NAMES.find((name) => name === stem);
    if (stem !== 'labels' && !corruption) continue;
    for (const [other, otherFolder] of found)
      if (otherFolder !== folder || parted(other, 1).parts[0] === parts[0])
        throw new RangeError(
          `cifarCFiles: there are ${other} and ${named.name}; labels belong to the images of their own data set: give the files of one folder, each once`,
        );
    found.set(named.name, folder);
    const file = await openFile('cifarCFiles', named);
    if (corruption) images.set(corruption, await openImages(file));
    else labels = await readNpyIntegers(file);
  }
  if (images.size === 0)
    throw new RangeError(`cifarCFiles: there is no corruption among the files; give files named as ${NAMES[0]}.npy`);
  if (labels === undefined) throw new RangeError('cifarCFiles: labels.npy is missing; give it with the corruptions');
  const { length } = labels;
  for (const { file, rows } of images.values())
    if (length !== rows && length !== rows / SEVERITIES.length)
      throw file.error(`its ${rows} rows do not fit ${length} labels of labels.npy`, 'fetch both again');
  const known = labels;
  return {
    source: 'files in the layout of CIFAR-C',
    preset,
    corruptions: NAMES.filter((name) => images.has(name)),
    severities: SEVERITIES,
    batches: (corruption, severity, batchSize) => rowsOf(images.get(corruption)!, known, severity, batchSize),
  };
}

async function openImages(file: OpenFile): Promise<Images> {
  const { descr, shape, offset } = await readNpyHeader(file);
  const [rows, ...image] = shape;
  if (descr !== '|u1' || image.length !== 3 || rows === 0 || rows % SEVERITIES.length !== 0)
    throw file.error(`it holds ${descr} of shape (${shape.join(', ')})`, 'give the published uint8 (50000, 32, 32, 3)');
  return { file, offset, rows, shape: image as [number, number, number] };
}

async function* rowsOf(
  { file, offset, rows, shape }: Images,
  labels: Int32Array,
  severity: number,
  batchSize: number,
): AsyncGenerator<LabelledBatch> {
  const perSeverity = rows / SEVERITIES.length;
  const first = (severity - 1) * perSeverity;
  const bytes = shape[0] * shape[1] * shape[2];
  const firstLabel = labels.length === rows ? first : 0;
  for (let start = 0; start < perSeverity; start += batchSize) {
    const end = Math.min(start + batchSize, perSeverity);
    const pixels = await file.read(offset + (first + start) * bytes, offset + (first + end) * bytes);
    yield {
      xs: tf.tensor4d(Int32Array.from(pixels), [end - start, ...shape], 'int32'),
      ys: labels.slice(firstLabel + start, firstLabel + end),
    };
  }
}
