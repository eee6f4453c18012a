import { registerKernels } from './register';

export { type FakeQuantAttributes, fakeQuantBackward, fakeQuantForward } from './fake-quant/fake-quant';
export { randomBits, randomNormal, randomUniform } from './random/random';
export { registerKernels } from './register';
export { gelu } from './training/elementwise/gelu';
export { layerNormalization } from './training/normalization/layer-normalization';

void registerKernels();
