import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { UsageError } from '../../shared/usage-error';
import type { Examples, StudyData } from './examples';
import type { DataRequest } from './open-data';

/** Of torchvision's and timm's ImageNet checkpoints, for images in 0..1. */
const IMAGENET = { mean: [0.485, 0.456, 0.406], deviation: [0.229, 0.224, 0.225] };
/** The short side is scaled to 256/224 of the crop, as for the evaluation of those checkpoints. */
const SHORT_SIDE = 256 / 224;
const IMAGE = /\.(jpe?g|png|webp)$/i;

/**
 * `DIR/train/CLASS/…` and `DIR/val/CLASS/…` as ImageNet is laid out; classes are numbered in the order of their names. Images
 * are decoded when they are needed: scaled bilinearly, and the centre is cropped, for training too, so that training loss
 * and gap are of the same images. The hash is over the names and sizes of the files, not over their contents.
 */
export function openImageFolder(folder: string, { train, test, imageSize, downsample }: DataRequest): StudyData {
  const classes = foldersIn(join(folder, 'train'));
  if (classes.length < 2)
    throw new UsageError(`--data: ${join(folder, 'train')} holds ${classes.length} class folders; two are needed`);
  const hash = createHash('sha256').update(JSON.stringify([classes, imageSize]));
  const split = (name: string, count: number | null) => {
    const files = interleaved(classes.map((label, index) => filesIn(join(folder, name, label), index)));
    const chosen = count === null ? files : files.slice(0, count);
    if (chosen.length === 0) throw new UsageError(`--data: ${join(folder, name)} holds no JPEG, PNG or WebP files`);
    for (const { path, size } of chosen) hash.update(`${path.slice(folder.length)} ${size}\n`);
    return examplesOf(chosen, imageSize);
  };
  return {
    name: 'images',
    shape: [imageSize, imageSize, 3],
    classes: classes.length,
    train: split('train', train),
    test: split('val', test),
    sha256: hash.digest('hex'),
    downsample,
    normalization: IMAGENET,
    preset: 'imagenet-c',
    corrupted: null,
  };
}

/** Decodes, scales and crops one image to RGB levels. */
export async function decodeCropped(bytes: Uint8Array | string, side: number): Promise<Uint8Array> {
  const image = sharp(bytes);
  const { width = side, height = side } = await image.metadata();
  const scale = Math.round(side * SHORT_SIDE) / Math.min(width, height);
  const [w, h] = [Math.max(side, Math.round(width * scale)), Math.max(side, Math.round(height * scale))];
  const crop = { left: Math.round((w - side) / 2), top: Math.round((h - side) / 2), width: side, height: side };
  const resized = image.resize(w, h, { fit: 'fill', kernel: 'linear' }).extract(crop);
  return resized.toColourspace('srgb').removeAlpha().raw().toBuffer();
}

interface ImageFile {
  readonly path: string;
  readonly size: number;
  readonly label: number;
}

function examplesOf(files: readonly ImageFile[], side: number): Examples {
  return {
    size: files.length,
    labels: files.map(({ label }) => label),
    async levels(indices) {
      const values = side * side * 3;
      const chosen = new Uint8Array(indices.length * values);
      await Promise.all(
        Array.from(indices, async (index, i) => {
          const { path } = files[index]!;
          try {
            const levels = await decodeCropped(readFileSync(path), side);
            chosen.set(levels, i * values);
          } catch (error) {
            throw new UsageError(`--data: ${path} can't be decoded (${(error as Error).message}); remove it`);
          }
        }),
      );
      return chosen;
    },
  };
}

function foldersIn(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .flatMap((entry) => (entry.isDirectory() ? [entry.name] : []))
      .sort();
  } catch {
    throw new UsageError(`--data: there is no folder ${folder}; ImageNet's layout is train/CLASS/ and val/CLASS/`);
  }
}

function filesIn(folder: string, label: number): ImageFile[] {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch {
    throw new UsageError(`--data: there is no folder ${folder}; every class needs one in train/ and in val/`);
  }
  return names
    .filter((name) => IMAGE.test(name))
    .sort()
    .map((name) => ({ path: join(folder, name), size: statSync(join(folder, name)).size, label }));
}

/** One of each class, again and again, so that the first examples hold all classes alike. */
function interleaved(classes: readonly (readonly ImageFile[])[]): ImageFile[] {
  const longest = Math.max(...classes.map((files) => files.length));
  return Array.from({ length: longest }, (_, i) => classes.flatMap((files) => files[i] ?? [])).flat();
}
