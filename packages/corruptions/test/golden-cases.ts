import type { CorruptionName, Preset } from '@qgen/corruptions';
import { goldenBytes, goldenJsons } from '../../../test/goldens';

/** One entry of goldens/corruptions/index.json. */
export interface GoldenCase {
  readonly id: string;
  readonly variant: 'imagenet_c' | 'tiny_c' | 'cifar_c' | 'imagecorruptions';
  readonly image: string | null;
  readonly input?: string;
  readonly corruption: CorruptionName | 'post_jpeg85';
  readonly severity: 1 | 2 | 3 | 4 | 5;
  readonly params: number | number[];
  readonly fields?: Readonly<Record<string, unknown>>;
  readonly output: string;
  readonly tol_max_abs: number;
  readonly tol_frac: number;
}

export interface Pixels {
  readonly height: number;
  readonly width: number;
  /** RGB, row by row. */
  readonly levels: Uint8Array;
}

export const presetOf: Readonly<Record<GoldenCase['variant'], Preset>> = {
  imagenet_c: 'imagenet-c',
  imagecorruptions: 'imagenet-c',
  cifar_c: 'cifar-c',
  tiny_c: 'tiny-imagenet-c',
};

const folder = 'corruptions/';

export async function goldenCases(): Promise<readonly GoldenCase[]> {
  return (await goldenJsons<{ cases: GoldenCase[] }>(`${folder}index.json`)).flatMap(({ cases }) => cases);
}

const pictures = new Map<string, Promise<Pixels>>();

/** The RGB levels of a golden PNG. */
export function goldenPixels(path: string): Promise<Pixels> {
  let found = pictures.get(path);
  if (!found) {
    found = decode(path);
    pictures.set(path, found);
  }
  return found;
}

async function decode(path: string): Promise<Pixels> {
  const bytes = await present(path);
  if (typeof window !== 'undefined') {
    const bitmap = await createImageBitmap(new Blob([bytes]), { colorSpaceConversion: 'none' });
    const { width, height } = bitmap;
    const context = new OffscreenCanvas(width, height).getContext('2d')!;
    context.drawImage(bitmap, 0, 0);
    const rgba = context.getImageData(0, 0, width, height).data;
    return {
      width,
      height,
      levels: Uint8Array.from({ length: width * height * 3 }, (_, i) => rgba[Math.floor(i / 3) * 4 + (i % 3)]),
    };
  }
  const { default: sharp } = await import('sharp');
  const { data, info } = await sharp(bytes)
    .removeAlpha()
    .toColourspace('srgb')
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, levels: new Uint8Array(data) };
}

async function present(path: string): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = await goldenBytes(folder + path);
  if (!bytes) throw new Error(`${path} is missing from the goldens`);
  return bytes;
}

/** The numbers of a little-endian .npy file, version 1, C order. */
async function goldenArray(path: string): Promise<Int8Array | Int16Array | Uint16Array | Float32Array | Float64Array> {
  const bytes = await present(path);
  const headerLength = bytes[8] + 256 * bytes[9];
  const header = new TextDecoder().decode(bytes.subarray(10, 10 + headerLength));
  const kind = /'descr': '[<|]([a-z]\d)'/.exec(header)?.[1];
  const buffer = bytes.buffer.slice(bytes.byteOffset + 10 + headerLength, bytes.byteOffset + bytes.length);
  if (kind === 'i1') return new Int8Array(buffer);
  if (kind === 'i2') return new Int16Array(buffer);
  if (kind === 'u2') return new Uint16Array(buffer);
  if (kind === 'f4') return new Float32Array(buffer);
  if (kind === 'f8') return new Float64Array(buffer);
  throw new Error(`${path}: unexpected dtype ${kind}`);
}

const scaled = async (path: unknown, scale: number) =>
  Float32Array.from(await goldenArray(path as string), (value) => value / scale);
const normal = (path: unknown) => scaled(path, 4096);
const uniform = (path: unknown) => scaled(path, 32768);
const either = async (path: string) => (path.endsWith('.png') ? goldenGrey(path) : goldenArray(path));

/** Fields kept as PNG: RGB ones hold three values a pixel. */
const goldenGrey = async (path: string) => (await goldenPixels(path)).levels;

/** The fields of a golden case as `corrupt` takes them; undefined where the goldens do not hold them. */
export async function goldenFields({ corruption, fields = {} }: GoldenCase): Promise<object | undefined> {
  switch (corruption) {
    case 'gaussian_noise':
    case 'speckle_noise':
    case 'spatter':
      return { normal: await normal(fields.z) };
    case 'shot_noise':
      return { counts: await either(fields.counts as string) };
    case 'impulse_noise':
      return { mask: await goldenGrey(fields.mask as string) };
    case 'glass_blur':
      return { offsets: await goldenArray(fields.dxdy as string) };
    case 'motion_blur':
      return { angle: fields.angle_deg };
    case 'snow':
      return { normal: await normal(fields.z), angle: fields.angle_deg };
    case 'frost':
      return fields.patch_rgb ? { texture: await goldenGrey(fields.patch_rgb as string) } : undefined;
    case 'fog':
      return { uniform: await uniform(fields.plasma_u) };
    case 'elastic_transform':
      return {
        ...(fields.pert ? { anchors: await uniform(fields.pert) } : {}),
        dx: await uniform(fields.u_dx),
        dy: await uniform(fields.u_dy),
      };
    default:
      return {};
  }
}

export interface Difference {
  readonly largest: number;
  /** The share of values that differ. */
  readonly share: number;
}

export function difference(actual: ArrayLike<number>, expected: ArrayLike<number>): Difference {
  if (actual.length !== expected.length) throw new Error(`${actual.length} values against ${expected.length}`);
  let largest = 0;
  let count = 0;
  for (let i = 0; i < expected.length; i++) {
    const d = Math.abs(actual[i] - expected[i]);
    if (d !== 0) count++;
    if (!(d <= largest)) largest = d;
  }
  return { largest, share: count / expected.length };
}
