import type { Dialect, ImageShape, Variant } from './corruption';
import { DEFINITIONS, type FieldsOf } from './definitions';
import { imageStream } from './image-stream';
import { imageShapeOf } from './levels';
import {
  CORRUPTIONS,
  type CorruptionName,
  type ParametersOf,
  PRESETS,
  type Preset,
  PUBLISHED_SIDE,
  SEVERITIES,
  type Severity,
  VALIDATION_CORRUPTIONS,
} from './severities';
import { shown } from './shown';
import type { FrostTexture } from './weather/frost-images';

export interface DrawOptions {
  readonly severity: Severity | number;
  /** Whose parameters; they do not follow from the size of the images. */
  readonly preset: Preset;
  /** Default 0. */
  readonly seed?: number;
  /** The index of the first image in its data set. Default 0. */
  readonly firstIndex?: number;
  /** Default: 'imagecorruptions' for 'imagenet-c' at sizes other than 224×224, else 'robustness'. */
  readonly dialect?: Dialect;
  /** Pictures of frost in place of the synthetic ones; frost1 to frost5 of ImageNet-C give the published pixels. */
  readonly textures?: readonly FrostTexture[];
}

/** What a name, a severity, a preset and a size settle. */
export function settle<N extends CorruptionName>(
  verb: string,
  name: N,
  shape: ImageShape,
  { severity, preset, dialect, textures }: DrawOptions,
) {
  const definition = DEFINITIONS[name];
  if (!Object.hasOwn(DEFINITIONS, name) || definition === undefined)
    throw new RangeError(
      `${verb}: unknown corruption ${shown(name)}; there are ${[...CORRUPTIONS, ...VALIDATION_CORRUPTIONS].join(', ')}`,
    );
  if (!PRESETS.includes(preset))
    throw new RangeError(`${verb}: preset must be one of ${PRESETS.join(', ')}, got ${shown(preset)}`);
  if (!(severity === 1 || severity === 2 || severity === 3 || severity === 4 || severity === 5))
    throw new RangeError(`${verb}: severity must be an integer from 1 to 5, got ${shown(severity)}`);
  if (dialect !== undefined && dialect !== 'robustness' && dialect !== 'imagecorruptions')
    throw new RangeError(`${verb}: dialect must be 'robustness' or 'imagecorruptions', got ${shown(dialect)}`);
  const published = shape.height === PUBLISHED_SIDE[preset] && shape.width === PUBLISHED_SIDE[preset];
  const variant: Variant = {
    preset,
    severity,
    dialect: dialect ?? (preset === 'imagenet-c' && !published ? 'imagecorruptions' : 'robustness'),
    ...(textures && { textures }),
  };
  return { definition, parameters: SEVERITIES[name][preset][severity - 1] as ParametersOf[N], variant };
}

/**
 * The random fields that `corrupt` would draw, one object per image: image i has those of (seed, firstIndex + i). Given
 * back as `fields` they replay the corruption, on other images too. Corruptions without randomness have empty objects; those
 * of shot_noise are uniforms, from which counts follow with the image.
 *
 * `shape` is [N, H, W, C] or [H, W, C]. Throws a RangeError as `corrupt` does.
 */
export function drawFields<N extends CorruptionName>(
  name: N,
  shape: readonly number[],
  options: DrawOptions,
): FieldsOf[N][] {
  requireOptions('drawFields', options);
  const image = imageShapeOf('drawFields', shape);
  const { definition, parameters, variant } = settle('drawFields', name, image, options);
  const { seed = 0, firstIndex = 0 } = options;
  requireIndex('drawFields', 'seed', seed);
  requireIndex('drawFields', 'firstIndex', firstIndex);
  return Array.from({ length: image.count }, (_, i) =>
    definition.draw(image, parameters, imageStream(seed, firstIndex + i), variant),
  );
}

export function requireOptions(verb: string, options: unknown): void {
  if (options === null || typeof options !== 'object')
    throw new TypeError(`${verb}: options must be an object with severity and preset, got ${shown(options)}`);
}

export function requireIndex(verb: string, field: string, value: unknown): void {
  if (!Number.isSafeInteger(value) || (value as number) < 0)
    throw new RangeError(`${verb}: ${field} must be an integer from 0 to 2^53 - 1, got ${shown(value)}`);
}
