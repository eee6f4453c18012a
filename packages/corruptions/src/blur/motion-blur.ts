import { type Corruption, truncated } from '../corruption';
import { alongRay, cutToFit, motionKernel, throughQuantum } from './motion-kernel';

export interface AngleField {
  /** In degrees, counted from the x axis down. */
  readonly angle: number;
}

/** out = v correlated with `motionKernel` at an angle uniform in [−45°, 45°), rounded as ImageMagick does. */
export const motionBlur: Corruption<readonly [radius: number, sigma: number], AngleField> = {
  draw: (_shape, _parameters, stream) => ({ angle: stream.uniform(-45, 45) }),
  fieldSizes: () => ({ angle: 'a number' }),
  apply({ levels, height, width, channels }, [radius, sigma], { angle }, { dialect }) {
    const kernel = motionKernel(radius, sigma, angle);
    if (dialect === 'robustness')
      return Uint8Array.from(alongRay(levels, height, width, channels, kernel), throughQuantum);
    return Uint8Array.from(alongRay(levels, height, width, channels, cutToFit(kernel, height, width)), truncated);
  },
};
