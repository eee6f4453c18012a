import type { layers, SymbolicTensor } from '@tensorflow/tfjs-layers';

/** The output of a layer that has one. */
export const through = (layer: layers.Layer, input: SymbolicTensor | SymbolicTensor[]): SymbolicTensor =>
  layer.apply(input) as SymbolicTensor;
