import { TIE } from '../backends/webgpu-program';
import type { Corruption } from '../corruption';
import { number, real } from '../fields/field-rules';
import { edge } from '../filters/border';
import { correlated, correlatedInMemory, correlatedOnDevice } from '../filters/correlate';
import { truncated } from '../images/image';
import { cutToFit, motionKernel, throughQuantum } from './motion-kernel';

export interface AngleField {
  /** In degrees, counted from the x axis down. */
  readonly angle: number;
}

/** out = v correlated with `motionKernel` at an angle uniform in [−45°, 45°), rounded as ImageMagick does. */
export const motionBlur: Corruption<readonly [radius: number, sigma: number], AngleField> = {
  parameterRules: { radius: number(0, 1000), sigma: number(0.001, 1000) },
  draw: (_shape, _parameters, stream) => ({ angle: stream.uniform(-45, 45) }),
  fieldRules: () => ({ angle: real }),
  apply({ levels, height, width, channels }, [radius, sigma], { angle }, { dialect }) {
    const kernel = motionKernel(radius, sigma, angle);
    if (dialect === 'robustness')
      return Uint8Array.from(correlated(levels, height, width, channels, kernel), throughQuantum);
    return Uint8Array.from(correlated(levels, height, width, channels, cutToFit(kernel, height, width)), truncated);
  },
  simd(simd, image, [radius, sigma], { angle }, { dialect }) {
    const kernel = motionKernel(radius, sigma, angle);
    if (dialect === 'robustness') return correlatedInMemory(simd, image, kernel, edge, 'quantum');
    const cut = cutToFit(kernel, image.height, image.width);
    return correlatedInMemory(simd, image, cut, edge, 'truncated');
  },
  onDevice(images, [radius, sigma], fields, { dialect }) {
    const kernels = fields.map(({ angle }) => motionKernel(radius, sigma, angle));
    if (dialect === 'robustness') return correlatedOnDevice(images, kernels, 'edge', { quantum: true });
    const [, height, width] = images.shape;
    const cut = kernels.map((kernel) => cutToFit(kernel, height, width));
    return correlatedOnDevice(images, cut, 'edge', { bias: TIE });
  },
};
