import type { FieldsOf } from '../definitions';
import { imageShapeOf } from '../images/levels';
import type { CorruptionName } from '../options/severities';
import { DRAW_OPTIONS, type DrawOptions, requireOptions, settleBatch } from '../settle';

/**
 * The random fields that `corrupt` would draw, one object per image: image i has those of its corruption and severity
 * at (seed, index). Given back as `fields` they replay the corruption, on other images or at another severity too.
 * Corruptions without randomness have empty objects; those of shot_noise are uniforms, from which counts follow with the
 * image.
 *
 * `shape` is [N, H, W, C] or [H, W, C]; names and options are those of `corrupt`. Throws a RangeError or TypeError as
 * `corrupt` does.
 */
export function drawFields<N extends CorruptionName>(
  name: N | readonly N[],
  shape: readonly number[],
  options: DrawOptions<N>,
): FieldsOf[N][] {
  requireOptions('drawFields', options, DRAW_OPTIONS, { fields: 'corrupt', postJpeg85: 'corrupt' });
  const { count, ...image } = imageShapeOf('drawFields', shape);
  const batch = settleBatch('drawFields', name, { count, ...image }, options as DrawOptions);
  return batch.images.map(
    ({ definition, parameters, variant }, i) =>
      definition.draw(image, parameters, batch.stream(i), variant) as FieldsOf[N],
  );
}
