import type { SymbolicTensor } from '@tensorflow/tfjs-layers';

/** The shape of a tensor in a model; null is a size that the input decides. */
export type Shape = SymbolicTensor['shape'];

/** The shape of the input of a layer that takes one; tfjs hands it over alone or in an array. */
export const onlyShape = (shapes: Shape | Shape[]): Shape => (Array.isArray(shapes[0]) ? shapes[0] : (shapes as Shape));
