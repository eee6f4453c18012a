import { nearest, requireKnownOptions, requireOneOf, requireSeed, shown } from '@qgen/core';
import type { Corruption, Dialect, Variant } from './corruption';
import { DEFINITIONS } from './definitions';
import { type ImageStream, imageStream } from './fields/image-stream';
import type { ImageShape } from './images/image';
import { requireParameters } from './options/parameters';
import {
  type CorruptionName,
  NAMES,
  type ParametersOf,
  PRESETS,
  type Preset,
  PUBLISHED_SIDE,
  SEVERITIES,
  type Severity,
} from './options/severities';
import { type FrostImage, type FrostTexture, frostImages } from './weather/frost/frost-images';
import { plasmaSide } from './weather/plasma';

/** One for all images of a batch, or an array of one for each. */
export type PerImage<T> = T | ArrayLike<T>;

interface RandomOptions {
  /** Default 0. */
  readonly seed?: number;
  /**
   * The index of the first image in its data set, whose successors follow; or the index of every image. Default 0. An
   * image draws by its index, so that it meets the same randomness in every batch.
   */
  readonly firstIndex?: PerImage<number>;
  /**
   * Default: 'imagecorruptions' for a severity of 'imagenet-c' at sizes other than 224×224 from 32 pixels up, else
   * 'robustness'. imagecorruptions refuses images below 32 pixels.
   */
  readonly dialect?: Dialect;
  /** Pictures of frost in place of the synthetic ones; frost1 to frost5 of ImageNet-C give the published pixels. */
  readonly textures?: readonly FrostTexture[];
}

interface PublishedStrength {
  /** 1 to 5. */
  readonly severity: PerImage<number>;
  /** Whose parameters a severity has; they do not follow from the size of the images. */
  readonly preset: Preset;
  readonly parameters?: undefined;
}

interface OwnStrength<N extends CorruptionName> {
  /**
   * Parameters of your own in place of a severity's, in the form of `SEVERITIES[name][preset]`: a number, or numbers in
   * the order of `ParametersOf`.
   */
  readonly parameters: ParametersOf[N] | readonly ParametersOf[N][];
  readonly severity?: undefined;
  /** Sets how far textures of frost are scaled down, and nothing else. Default 'imagenet-c': not at all. */
  readonly preset?: Preset;
}

/** How strong a corruption is, by `severity` and `preset` or by `parameters`; and what it draws. */
export type DrawOptions<N extends CorruptionName = CorruptionName> = RandomOptions &
  (PublishedStrength | OwnStrength<N>);

/** One corruption as it is applied to an image. */
export interface Settled {
  readonly name: CorruptionName;
  readonly definition: Corruption<unknown, unknown>;
  readonly parameters: unknown;
  readonly variant: Variant;
}

export interface SettledBatch {
  /** One for each image, the same object for those to which the same is done. */
  readonly images: readonly Settled[];
  /** The random numbers of image i. */
  stream(i: number): ImageStream;
}

/** The names of `DrawOptions`. */
export const DRAW_OPTIONS = ['severity', 'preset', 'parameters', 'seed', 'firstIndex', 'dialect', 'textures'];

export const DIALECTS: readonly Dialect[] = ['robustness', 'imagecorruptions'];

/** Two GiB of float64. */
const MOST_PLASMA_SIDE = 16384;

/** The least side of images that imagecorruptions takes. */
const LEAST_PORT_SIDE = 32;

/**
 * The corruption of each image of a batch, from names, options and the shape of the batch.
 *
 * @throws TypeError or RangeError on the first of them that is wrong
 */
export function settleBatch(
  caller: string,
  names: CorruptionName | readonly CorruptionName[],
  { count, ...shape }: ImageShape & { readonly count: number },
  options: DrawOptions,
): SettledBatch {
  const { severity, preset, parameters, seed = 0, firstIndex = 0, dialect, textures } = options;
  if (preset !== undefined || parameters === undefined) requireOneOf(caller, 'preset', preset, PRESETS);
  if (dialect !== undefined) requireOneOf(caller, 'dialect', dialect, DIALECTS);
  requireSeed(caller, seed);
  const frost = textures === undefined ? undefined : frostImages(caller, textures);
  const common = { caller, shape, preset, dialect, textures: frost };

  const all = [names, severity, firstIndex].some(isArray) || isPerImage(parameters, names) ? count : 1;
  const name = perImage<CorruptionName>(caller, 'name', names, count);
  const severityAt = perImage(caller, 'severity', severity, count);
  const parametersAt = isPerImage(parameters, names)
    ? perImage<unknown>(caller, 'parameters', parameters as ArrayLike<unknown>, count)
    : () => parameters;
  const index = indices(caller, firstIndex, count);

  const known = new Map<string, Settled>();
  const settled = Array.from({ length: all }, (_, i) => {
    const own = settle({ ...common, name: name(i), severity: severityAt(i), parameters: parametersAt(i) });
    const key = `${own.name} ${own.variant.severity} ${own.parameters}`;
    if (!known.has(key)) known.set(key, own);
    return known.get(key)!;
  });
  const images = all === count ? settled : new Array<Settled>(count).fill(settled[0]);
  return {
    images,
    stream: (i) => imageStream(seed, index(i), images[i].name, images[i].variant.severity),
  };
}

interface Given {
  readonly caller: string;
  readonly shape: ImageShape;
  readonly name: CorruptionName;
  readonly severity: unknown;
  readonly parameters: unknown;
  readonly preset: Preset | undefined;
  readonly dialect: Dialect | undefined;
  readonly textures: readonly FrostImage[] | undefined;
}

function settle({ caller, shape, name, severity, parameters, preset, dialect, textures }: Given): Settled {
  requireName(caller, name);
  const definition = DEFINITIONS[name] as Corruption<unknown, unknown>;
  const own = parameters !== undefined;
  if (own && severity !== undefined)
    throw new RangeError(
      `${caller}: parameters take the place of those of a severity, got both; leave severity or parameters out`,
    );
  if (own) requireParameters(caller, name, definition, parameters);
  else if (!isSeverity(severity))
    throw new RangeError(`${caller}: severity must be an integer from 1 to 5, got ${shown(severity)}`);
  const { height, width } = shape;
  if (dialect === 'imagecorruptions' && Math.min(height, width) < LEAST_PORT_SIDE)
    throw new RangeError(
      `${caller}: images must be at least 32 pixels high and wide in the dialect 'imagecorruptions', as in its code, got ${height}×${width}; enlarge them, or leave dialect out`,
    );
  if (dialect === 'imagecorruptions' && own && name === 'elastic_transform')
    throw new RangeError(
      `${caller}: elastic_transform has no parameters in the dialect 'imagecorruptions', where they follow from the size of images; leave dialect out or give a severity`,
    );
  if (name === 'fog') requirePlasma(caller, shape);
  const variant: Variant = {
    caller,
    preset: preset ?? 'imagenet-c',
    severity: own ? 0 : (severity as Severity),
    dialect: dialect ?? (own ? 'robustness' : dialectOf(preset!, shape)),
    ...(textures && { textures }),
  };
  return {
    name,
    definition,
    parameters: own ? parameters : SEVERITIES[name][variant.preset][(severity as Severity) - 1],
    variant,
  };
}

/** @throws RangeError where the map that covers an image is too large, as that of a long narrow one is */
function requirePlasma(caller: string, { height, width }: ImageShape): void {
  const side = plasmaSide(height, width);
  if (side > MOST_PLASMA_SIDE)
    throw new RangeError(
      `${caller}: fog covers ${height}×${width} images with a map of ${side}×${side}, more than ${MOST_PLASMA_SIDE}×${MOST_PLASMA_SIDE}; cut them into parts`,
    );
}

/** Whose code a severity follows unless it is told: that which was published for images of this size. */
export function dialectOf(preset: Preset, { height, width }: Pick<ImageShape, 'height' | 'width'>): Dialect {
  const published = height === PUBLISHED_SIDE[preset] && width === PUBLISHED_SIDE[preset];
  const ported = preset === 'imagenet-c' && !published && Math.min(height, width) >= LEAST_PORT_SIDE;
  return ported ? 'imagecorruptions' : 'robustness';
}

/** @throws RangeError unless there is a corruption of this name */
export function requireName(caller: string, name: CorruptionName): void {
  if (NAMES.includes(name)) return;
  const guess = typeof name === 'string' ? nearest(name, NAMES) : undefined;
  throw new RangeError(
    `${caller}: unknown corruption ${shown(name)}; there are ${NAMES.join(', ')}${guess ? `; did you mean '${guess}'?` : ''}`,
  );
}

export const isSeverity = (severity: unknown): severity is Severity =>
  Number.isInteger(severity) && (severity as number) >= 1 && (severity as number) <= 5;

/** @throws TypeError without options, RangeError on one that there is not */
export function requireOptions(
  caller: string,
  options: unknown,
  known: readonly string[],
  belongsTo?: Readonly<Record<string, string>>,
): void {
  if (options === null || typeof options !== 'object')
    throw new TypeError(
      `${caller}: options must be an object with severity and preset, or with parameters, got ${shown(options)}`,
    );
  requireKnownOptions(caller, options, known, belongsTo);
}

/** @throws RangeError unless `value` can be the index of an image */
function requireIndex(caller: string, option: string, value: unknown): void {
  if (!Number.isSafeInteger(value) || (value as number) < 0)
    throw new RangeError(`${caller}: ${option} must be an integer from 0 to 2^53 - 1, got ${shown(value)}`);
}

/** The index of each image: those from the first on, or those given. */
function indices(caller: string, firstIndex: PerImage<number>, count: number): (i: number) => number {
  const given = perImage(caller, 'firstIndex', firstIndex, count);
  if (!isArray(firstIndex)) {
    requireIndex(caller, 'firstIndex', firstIndex);
    if (count > 0) requireIndex(caller, 'firstIndex + the number of images - 1', (firstIndex as number) + (count - 1));
    return (i) => (firstIndex as number) + i;
  }
  for (let i = 0; i < count; i++) requireIndex(caller, `firstIndex[${i}]`, given(i));
  return given;
}

function isArray(value: unknown): value is ArrayLike<unknown> {
  return typeof value === 'object' && value !== null && 'length' in value;
}

/** The value of each image, from one for all or from one for each. */
function perImage<T>(caller: string, option: string, value: PerImage<T> | undefined, count: number): (i: number) => T {
  if (!isArray(value)) return () => value as T;
  if (value.length !== count)
    throw new RangeError(
      `${caller}: ${option} must be one for all images, or an array of one for each of the ${count}, got ${value.length}`,
    );
  return (i) => (value as ArrayLike<T>)[i]!;
}

/** Whether parameters are an array of those of each image: they are where one image's would be a number, or numbers. */
function isPerImage(parameters: unknown, names: CorruptionName | readonly CorruptionName[]): boolean {
  if (!Array.isArray(parameters)) return false;
  const first = typeof names === 'string' ? names : names?.[0];
  const single = NAMES.includes(first) && typeof SEVERITIES[first]['imagenet-c'][0] === 'number';
  return single || Array.isArray(parameters[0]);
}
