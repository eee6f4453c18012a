import './no-backend';
import { registerKernels } from './register';

export { type OutputKind, outputKind, perExampleCrossEntropy, type Scores, scoreOutputs } from './cross-entropy';
export { type FakeQuantAttributes, fakeQuantBackward, fakeQuantForward } from './fake-quant';
export {
  type BatchNormStatistics,
  type FoldableBatchNorm,
  filterAxes,
  foldableBatchNorms,
  foldBatchNorm,
} from './fold-batch-norm';
export { layerClass } from './layer-class';
export { philoxBits, philoxNormals, philoxUniforms, type RandomAddress } from './philox';
export { randomBits, randomNormal, randomUniform } from './random';
export { registerKernels } from './register';

void registerKernels();
