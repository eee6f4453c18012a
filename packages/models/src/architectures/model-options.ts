import { requireCounts } from '@qgen/core';

/** Height, width and channels of the images that a model takes; null is any height or width. */
export type ImageShape = readonly [height: number | null, width: number | null, channels: number];

/** The options of every builder. */
export interface ModelOptions<S extends ImageShape = ImageShape> {
  /** Height, width and channels of an image. Default [224, 224, 3]. */
  readonly inputShape?: S;
  /** Default 1000. */
  readonly classes?: number;
  /** Of the weights that the model starts with, an integer from 0 to 2^53 - 1. Default 0. */
  readonly seed?: number;
  /** Of the model. Default that of the builder. */
  readonly name?: string;
}

/** The names of `ModelOptions`. */
export const MODEL_OPTIONS = ['inputShape', 'classes', 'seed', 'name'] as const;

/**
 * Checks inputShape and classes.
 *
 * @param fixed whether the model depends on the size of the images, so that it may not be null
 * @throws RangeError unless inputShape is [height, width, channels] and all are positive integers
 */
export function requireImages(
  caller: string,
  inputShape: ImageShape,
  classes: number,
  { fixed = false }: { readonly fixed?: boolean } = {},
): void {
  const isSize = (size: number | null, axis: number) =>
    (Number.isInteger(size) && size! > 0) || (size === null && axis < 2 && !fixed);
  if (!Array.isArray(inputShape) || inputShape.length !== 3 || !inputShape.every(isSize)) {
    const size = fixed ? 'fixed here' : 'or null for any';
    throw new RangeError(
      `${caller}: inputShape must be [height, width, channels] of positive integers, height and width ${size}, got ${JSON.stringify(inputShape)}`,
    );
  }
  requireCounts(caller, { classes });
}
