import { registerKernels } from './register';

export { registerKernels } from './register';

void registerKernels();
