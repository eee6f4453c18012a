import type { Attribute } from '../file/model-proto';
import type { Shape } from '../graph/value';

/** A window that moves over a map. */
export interface Window {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations?: readonly number[];
  readonly padding: unknown;
}

/**
 * The attributes of a convolution or pooling. 'same' pads so that the output has ceil(size / stride) places, of an odd
 * number of zeros one more at the end:
 *
 *     total = max((ceil(size / stride) - 1) stride + dilation (kernel - 1) + 1 - size, 0)
 *
 * Where a size is not known that is left to the runtime, as auto_pad.
 */
export function windowAttributes(
  { kernel, strides, dilations, padding }: Window,
  sizes: Shape,
): Readonly<Record<string, Attribute>> {
  const dilated = dilations?.some((dilation) => dilation !== 1);
  const attributes = { kernel_shape: kernel, strides, ...(dilated && { dilations }) };
  if (padding !== 'same') return attributes;
  const totals = sizes.map((size, axis) => {
    const [stride, reach] = [strides[axis], (dilations?.[axis] ?? 1) * (kernel[axis] - 1) + 1];
    if (stride === 1) return reach - 1;
    return size === null ? null : Math.max((Math.ceil(size / stride) - 1) * stride + reach - size, 0);
  });
  if (totals.includes(null)) return { ...attributes, auto_pad: 'SAME_UPPER' };
  const known = totals as number[];
  const pads = [...known.map((total) => Math.floor(total / 2)), ...known.map((total) => Math.ceil(total / 2))];
  return pads.some((pad) => pad > 0) ? { ...attributes, pads } : attributes;
}
