/** Exchanges the kernels and methods of stock tfjs and of `@qgen/kernels` in one process; import it before the package. */
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-layers';

/** Methods of tfjs-layers that the package replaces, by their class. */
const methods = { BatchNormalization: 'call', LayerNormalization: 'call', gelu: 'apply', relu6: 'apply' } as const;

const prototypeOf = (className: string) =>
  tf.serialization.SerializationMap.getMap().classNameMap[className]![0].prototype as Record<string, unknown>;

/** The kernels of wasm and the methods as they are now. */
export const registered = () => ({
  kernels: new Map(tf.getKernelsForBackend('wasm').map((kernel) => [kernel.kernelName, kernel])),
  bodies: Object.entries(methods).map(
    ([className, method]) => [className, method, prototypeOf(className)[method]] as const,
  ),
});

/** Puts them back; kernels of names that stock tfjs doesn't have stay, so that what calls them finds them. */
export function use({ kernels, bodies }: ReturnType<typeof registered>): void {
  for (const [kernelName, kernel] of kernels) {
    if (tf.getKernel(kernelName, 'wasm') === kernel) continue;
    tf.unregisterKernel(kernelName, 'wasm');
    tf.registerKernel(kernel);
  }
  for (const [className, method, body] of bodies) prototypeOf(className)[method] = body;
}
