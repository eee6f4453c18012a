import { registerKernels } from './register';

export { type FakeQuantAttributes, fakeQuantBackward, fakeQuantForward } from './fake-quant';
export { philoxBits, philoxNormals, philoxUniforms, type RandomAddress } from './philox';
export { randomBits, randomNormal, randomUniform } from './random';
export { registerKernels } from './register';

void registerKernels();
