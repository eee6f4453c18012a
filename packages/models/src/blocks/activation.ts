import { layers, type SymbolicTensor } from '@tensorflow/tfjs-layers';
import { through } from './through';

/** An activation as a layer of its own. 'gelu' is the exact one, x Φ(x). */
export const activation = (x: SymbolicTensor, name: string, kind: 'relu' | 'relu6' | 'gelu'): SymbolicTensor =>
  through(layers.activation({ name, activation: kind }), x);
