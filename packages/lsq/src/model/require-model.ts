import { shown } from '@qgen/core';

/** Throws a TypeError that begins with `name` unless `model` is a LayersModel. */
export function requireModel(name: string, model: unknown): void {
  const { layers, getConfig } = (model ?? {}) as { readonly layers?: unknown; readonly getConfig?: unknown };
  if (!Array.isArray(layers) || typeof getConfig !== 'function')
    throw new TypeError(
      `${name}: model must be a LayersModel (a GraphModel has no layers to quantize or train), got ${shown(model)}`,
    );
}
