import * as tf from '@tensorflow/tfjs-core';

/** The values of images on the host, and room for those of a new tensor like them. */
export interface HostValues {
  /** A view, which the next tensor can make stale: ask again after it. */
  source(): Int32Array | Float32Array;
  target(): Int32Array | Float32Array;
  /** The new tensor. */
  finish(): tf.Tensor;
  /** Gives the room back. */
  discard(): void;
}

/** The part of tfjs-backend-wasm's `BackendWasm` that is used. */
interface WasmBackend extends tf.KernelBackend {
  getMemoryOffset(dataId: object): number;
  makeOutput(shape: number[], dtype: tf.DataType): tf.TensorInfo;
  typedArrayFromHeap(tensor: tf.TensorInfo): Int32Array | Float32Array;
}

/** The values of int32 or float32 images; on wasm in the heap itself, which spares two copies of the batch. */
export function hostValues(images: tf.Tensor): HostValues {
  if (tf.getBackend() === 'wasm') {
    const wasm = tf.backend() as WasmBackend;
    // Brings images of another backend here at once: the heap that grows for them makes every view of it stale.
    wasm.getMemoryOffset(images.dataId);
    const output = wasm.makeOutput(images.shape, images.dtype);
    return {
      source: () => wasm.typedArrayFromHeap(images),
      target: () => wasm.typedArrayFromHeap(output),
      finish: () => tf.engine().makeTensorFromTensorInfo(output, wasm),
      discard: () => void wasm.disposeData(output.dataId),
    };
  }
  const source = images.dataSync<'float32' | 'int32'>();
  const target = new (source.constructor as Int32ArrayConstructor | Float32ArrayConstructor)(images.size);
  return {
    source: () => source,
    target: () => target,
    finish: () => tf.tensor(target, images.shape, images.dtype),
    discard: () => {},
  };
}
