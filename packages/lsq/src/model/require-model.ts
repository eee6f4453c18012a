import { shown } from '@qgen/core';

/** Throws a TypeError that begins with `name` unless `model`, which the caller knows as `role`, is a LayersModel. */
export function requireModel(name: string, model: unknown, role = 'model'): void {
  const { layers, getConfig } = (model ?? {}) as { readonly layers?: unknown; readonly getConfig?: unknown };
  if (!Array.isArray(layers) || typeof getConfig !== 'function')
    throw new TypeError(
      `${name}: ${role} must be a LayersModel (a GraphModel has no layers to quantize or train), got ${shown(model)}`,
    );
}
