import { registerKernels } from './register';

export type { FakeQuantAttributes } from './fake-quant/attributes';
export { fakeQuantBackward, fakeQuantForward } from './fake-quant/fake-quant';
export { runFakeQuant, runFakeQuantBackward } from './fake-quant/run';
export { randomBits, randomNormal, randomUniform } from './random/random';
export { registerKernels } from './register';
export { gelu } from './training/elementwise/gelu';
export { layerNormalization } from './training/normalization/layer-normalization';

void registerKernels();
