import type { serialization } from '@tensorflow/tfjs-core';
import type { layers } from '@tensorflow/tfjs-layers';

/**
 * The class of a layer and its configuration. A layer that quantizes its kernels (one with `Symbol.for('@qgen/quantized')`)
 * is saved as a wrapper, `{ layer: { className, config } }`; of it the class and configuration that it wraps.
 */
export function layerClass(layer: layers.Layer): {
  readonly className: string;
  readonly config: serialization.ConfigDict;
} {
  const config = layer.getConfig();
  const base = config.layer as unknown as { className: string; config: serialization.ConfigDict } | undefined;
  if (Symbol.for('@qgen/quantized') in layer && base?.className) return base;
  return { className: layer.getClassName(), config };
}
