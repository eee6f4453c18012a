import { registerKernels } from './register';

export { type FakeQuantAttributes, fakeQuantBackward, fakeQuantForward } from './fake-quant';
export { gelu } from './gelu';
export { layerNormalization } from './layer-normalization';
export { randomBits, randomNormal, randomUniform } from './random';
export { registerKernels } from './register';

void registerKernels();
