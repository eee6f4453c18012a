import * as tf from '@tensorflow/tfjs-core';

const name = 'no-backend';

/**
 * Stands where a backend is missing: of the lowest priority, so tfjs takes it only when no other backend is registered or
 * none starts, and then the first tensor fails with what to install. It steps back on failing, so a backend that is
 * registered afterwards is found as ever.
 */
class NoBackend extends tf.KernelBackend {
  override write(): never {
    fail();
  }
  override numDataIds(): never {
    fail();
  }
  override memory(): never {
    fail();
  }
  override dispose(): void {}
}

function fail(): never {
  const others = tf
    .engine()
    .backendNames()
    .filter((backend) => backend !== name);
  tf.removeBackend(name);
  register();
  throw new Error(
    `@qgen/kernels: tfjs has no backend to run on, ${others.length ? `${others.join(', ')} did not start` : 'none is registered'}; ` +
      "npm install @tensorflow/tfjs-backend-wasm (or -webgpu, or -cpu) and import '@tensorflow/tfjs-backend-wasm' before the first tensor is made",
  );
}

function register(): void {
  if (!tf.findBackendFactory(name)) tf.registerBackend(name, () => new NoBackend(), 0);
}

register();
// The kernels that make a tensor of nothing; all others need a tensor first.
for (const kernelName of [tf.Fill, tf.LinSpace, tf.Range])
  if (!tf.getKernel(kernelName, name)) tf.registerKernel({ kernelName, backendName: name, kernelFunc: fail });
