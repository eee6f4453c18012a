import { convolutionSpectralNorm } from '../spectrum/convolution-spectral-norm';
import type { Parameter } from '../subject/open-model';

/**
 * The largest singular value of a convolution as a circular one over images of the size that the network takes in, the
 * same size for every layer, as in the official code of Dziugaite et al. 2020. Depthwise kernels convolve each channel
 * for itself. Yields now and then. Undefined where kernel and input don't have the same one or two axes to convolve along.
 */
export function kernelSpectrum(
  { shape, filterAxes }: Pick<Parameter, 'shape' | 'filterAxes'>,
  inputShape: readonly number[],
): ((values: ArrayLike<number>) => Generator<void, number, void>) | undefined {
  const spatial = inputShape.slice(0, -1);
  if (shape.length !== spatial.length + 2 || spatial.length < 1 || spatial.length > 2) return undefined;
  const twoAxes = <T>(axes: readonly T[], one: T): [T, T] =>
    axes.length === 1 ? [one, axes[0]!] : [axes[0]!, axes[1]!];
  const size = twoAxes(spatial, 1);
  const [height, width] = twoAxes(shape.slice(0, -2), 1);
  const [inputs, outputs] = shape.slice(-2) as [number, number];
  const depthwise = filterAxes.length === 2;

  return function* (values) {
    let largest = 0;
    for (let group = 0; group < (depthwise ? inputs : 1); group++) {
      const kernel = depthwise ? channelOf(values, { group, inputs, outputs }) : values;
      const norm = convolutionSpectralNorm(kernel, [height, width, depthwise ? 1 : inputs, outputs], size);
      let step = norm.next();
      for (; !step.done; step = norm.next()) yield;
      largest = Math.max(largest, step.value);
    }
    return largest;
  };
}

/** The kernel [taps, 1, out] of one input channel among [taps, in, out]. */
function channelOf(
  values: ArrayLike<number>,
  { group, inputs, outputs }: { readonly group: number; readonly inputs: number; readonly outputs: number },
): Float64Array {
  return Float64Array.from({ length: values.length / inputs }, (_, k) => {
    const [tap, output] = [Math.floor(k / outputs), k % outputs];
    return values[(tap * inputs + group) * outputs + output];
  });
}
