import type { Variant } from '../../corruption';
import type { ImageStream } from '../../fields/image-stream';
import type { Preset } from '../../options/severities';
import type { FrostImage } from './frost-images';
import { scaleCubic, scaleLinear } from './frost-scale';
import { FROST_STYLES } from './frost-styles';
import { synthesizeFrost } from './frost-synthesis';

/** The published scripts scale their photos by this before they crop. */
const SCALES: Readonly<Record<Preset, number>> = { 'imagenet-c': 1, 'tiny-imagenet-c': 0.3, 'cifar-c': 0.2 };

/**
 * Which style each of the five published files has: the third is pixel for pixel the second, and the sixth is never
 * drawn, so one style has twice the chance of each other.
 */
const FILES = [0, 1, 1, 2, 3] as const;

export interface FrostOptions extends Pick<Variant, 'preset' | 'dialect'> {
  readonly stream: ImageStream;
  /** Frost images in place of the synthetic ones, each drawn with the same chance. */
  readonly textures?: readonly FrostImage[];
}

/**
 * A random crop of a random frost image, height × width × 3 levels in 0..255: one of five images with equal chances, cut
 * at y0 ~ U{0..h−height−1}, x0 ~ U{0..w−width−1}, the last position excluded as in the published code. It takes three
 * uniforms of the stream.
 *
 * The photos of ImageNet-C have no stated licence, so the four styles are synthetic images with their statistics, made
 * at first use in about a second. For the published pixels give the first five photos, frost1 to frost5, as `textures`.
 *
 * Images are scaled by 1, 0.3 or 0.2 as the preset says (bilinear, not anti-aliased), in the dialect 'imagecorruptions'
 * by 1.1 (bicubic), and further up where they are smaller than height × width.
 */
export function frostTexture(
  height: number,
  width: number,
  { stream, preset, dialect, textures }: FrostOptions,
): Uint8Array {
  const [which, down, right] = [...stream.uniforms(3)] as [number, number, number];
  const image = textures
    ? textures[Math.floor(which * textures.length)]
    : syntheticImage(FILES[Math.floor(which * FILES.length)]);
  const scaled = scaledFor(image, height, width, { preset, dialect });
  const top = Math.floor(down * Math.max(1, scaled.height - height));
  const left = Math.floor(right * Math.max(1, scaled.width - width));
  const crop = new Uint8Array(height * width * 3);
  for (let y = 0; y < height; y++) {
    const from = ((top + y) * scaled.width + left) * 3;
    crop.set(scaled.levels.subarray(from, from + width * 3), y * width * 3);
  }
  return crop;
}

const synthetic: FrostImage[] = [];

function syntheticImage(style: number): FrostImage {
  synthetic[style] ??= synthesizeFrost(FROST_STYLES[style], style);
  return synthetic[style];
}

/** Scaled versions of an image, the last few. */
const scaledImages = new WeakMap<FrostImage, Map<string, FrostImage>>();

function scaledFor(
  image: FrostImage,
  height: number,
  width: number,
  { preset, dialect }: Pick<Variant, 'preset' | 'dialect'>,
): FrostImage {
  const cubic = dialect === 'imagecorruptions';
  const factor = cubic
    ? 1.1 * Math.max(1, height / image.height, width / image.width)
    : Math.max(SCALES[preset], height / image.height, width / image.width);
  if (factor === 1) return image;
  const key = `${dialect} ${factor}`;
  const versions = scaledImages.get(image) ?? new Map<string, FrostImage>();
  scaledImages.set(image, versions);
  const known = versions.get(key);
  if (known) return known;
  const scaled = cubic
    ? scaleCubic(image, Math.ceil(image.height * factor), Math.ceil(image.width * factor))
    : scaleLinear(image, factor);
  if (versions.size >= 4) versions.clear();
  versions.set(key, scaled);
  return scaled;
}
