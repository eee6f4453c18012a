import type * as tf from '@tensorflow/tfjs-core';
import type { KernelWrapper } from './kernel-wrapper';

/** What the kernels need of tfjs-backend-cpu's `MathBackendCPU`. */
interface CpuBackend {
  readonly data: { get(dataId: object): { readonly values: Float32Array } };
  makeTensorInfo(shape: number[], dtype: tf.DataType, values: Float32Array): tf.TensorInfo;
}
type Shape4 = [number, number, number, number];

/** tfjs-backend-cpu exchanges height and width in the shape of this gradient. */
export const resizeBilinearGrad: KernelWrapper = {
  kernelName: 'ResizeBilinearGrad',
  backendName: 'cpu',
  wrap: (stock) => (args) => ({ ...(stock(args) as tf.TensorInfo), shape: args.inputs.images!.shape }),
};

/**
 * Each pixel of dy is added to the pixel it was copied from. tfjs-backend-cpu reads the wrong images of dy from the
 * second one of a batch on.
 */
export const resizeNearestNeighborGrad: tf.KernelConfig = {
  kernelName: 'ResizeNearestNeighborGrad',
  backendName: 'cpu',
  kernelFunc: ({ inputs, backend, attrs }) => {
    const { dy, images } = inputs as { dy: tf.TensorInfo; images: tf.TensorInfo };
    const { alignCorners } = attrs as unknown as { alignCorners: boolean };
    const cpu = backend as CpuBackend;
    const [batch, height, width, channels] = images.shape as Shape4;
    const [, outHeight, outWidth] = dy.shape as Shape4;
    const row = nearest(height, outHeight, alignCorners);
    const column = nearest(width, outWidth, alignCorners);
    const gradient = cpu.data.get(dy.dataId).values;
    const dx = new Float32Array(batch * height * width * channels);
    for (let n = 0, at = 0; n < batch; n++)
      for (let h = 0; h < outHeight; h++)
        for (let w = 0; w < outWidth; w++) {
          const to = ((n * height + row(h)) * width + column(w)) * channels;
          for (let c = 0; c < channels; c++) dx[to + c]! += gradient[at++]!;
        }
    return cpu.makeTensorInfo([...images.shape], 'float32', dx);
  },
};

/** The input position that an output position is copied from. */
function nearest(size: number, outSize: number, alignCorners: boolean): (position: number) => number {
  const corners = alignCorners && outSize > 1;
  const scale = (corners ? size - 1 : size) / (corners ? outSize - 1 : outSize);
  return (position) => Math.min(size - 1, alignCorners ? Math.round(position * scale) : Math.floor(position * scale));
}
