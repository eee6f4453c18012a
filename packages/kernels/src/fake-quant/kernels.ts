import * as tf from '@tensorflow/tfjs-core';
import { simdModule } from '../backends/simd-module';
import { floats, type WasmBackend } from '../backends/wasm-backend';
import type { FakeQuantAttributes } from './fake-quant';
import { backwardLoop, forwardLoop, quantizer } from './loops';

export const FAKE_QUANT = 'QGenFakeQuant';
export const FAKE_QUANT_BACKWARD = 'QGenFakeQuantBackward';

export interface ForwardInputs {
  readonly x: tf.TensorInfo;
  readonly step: tf.TensorInfo;
}
export interface BackwardInputs extends ForwardInputs {
  readonly dy: tf.TensorInfo;
}
export type BackwardAttributes = FakeQuantAttributes & { readonly gradientScale: number };

/** What the kernels need of tfjs-backend-cpu's `MathBackendCPU`. */
interface CpuBackend {
  readonly data: { get(dataId: object): { readonly values: Float32Array } };
  makeTensorInfo(shape: number[], dtype: tf.DataType, values: Float32Array): tf.TensorInfo;
}

const cpuForward: tf.KernelConfig = {
  kernelName: FAKE_QUANT,
  backendName: 'cpu',
  kernelFunc: ({ inputs, attrs, backend }) => {
    const { x, step } = inputs as unknown as ForwardInputs;
    const cpu = backend as CpuBackend;
    const y = new Float32Array(tf.util.sizeFromShape(x.shape));
    const plan = quantizer(x.shape, attrs as unknown as FakeQuantAttributes);
    forwardLoop(cpu.data.get(x.dataId).values, cpu.data.get(step.dataId).values, y, plan);
    return cpu.makeTensorInfo(x.shape, 'float32', y);
  },
};

const cpuBackward: tf.KernelConfig = {
  kernelName: FAKE_QUANT_BACKWARD,
  backendName: 'cpu',
  kernelFunc: ({ inputs, attrs, backend }) => {
    const { dy, x, step } = inputs as unknown as BackwardInputs;
    const attributes = attrs as unknown as BackwardAttributes;
    const cpu = backend as CpuBackend;
    const values = ({ dataId }: tf.TensorInfo) => cpu.data.get(dataId).values;
    const dx = new Float32Array(tf.util.sizeFromShape(x.shape));
    const dStep = new Float32Array(tf.util.sizeFromShape(step.shape));
    const plan = quantizer(x.shape, attributes);
    backwardLoop(values(dy), values(x), values(step), dx, dStep, plan, attributes.gradientScale);
    return [cpu.makeTensorInfo(x.shape, 'float32', dx), cpu.makeTensorInfo(step.shape, 'float32', dStep)];
  },
};

const wasmForward: tf.KernelConfig = {
  kernelName: FAKE_QUANT,
  backendName: 'wasm',
  kernelFunc: ({ inputs, attrs, backend }) => {
    const { x, step } = inputs as unknown as ForwardInputs;
    const wasm = backend as WasmBackend;
    const plan = quantizer(x.shape, attrs as unknown as FakeQuantAttributes);
    const y = wasm.makeOutput(x.shape, 'float32');
    const [xAt, stepAt, yAt] = pointers(wasm, [x, step, y] as const);
    const simd = simdModule(wasm);
    if (simd) {
      const { outer, channels, inner, qn, qp } = plan;
      simd.fakeQuantForward(xAt, stepAt, yAt, outer, channels, inner, qn, qp);
    } else forwardLoop(floats(wasm, x), floats(wasm, step), floats(wasm, y), plan);
    return y;
  },
};

const wasmBackward: tf.KernelConfig = {
  kernelName: FAKE_QUANT_BACKWARD,
  backendName: 'wasm',
  kernelFunc: ({ inputs, attrs, backend }) => {
    const { dy, x, step } = inputs as unknown as BackwardInputs;
    const attributes = attrs as unknown as BackwardAttributes;
    const wasm = backend as WasmBackend;
    const plan = quantizer(x.shape, attributes);
    const dx = wasm.makeOutput(x.shape, 'float32');
    const dStep = wasm.makeOutput(step.shape, 'float32');
    // Room for one float64 a channel.
    const sums = wasm.makeOutput([2 * plan.channels], 'float32');
    const [dyAt, xAt, stepAt, dxAt, dStepAt, sumsAt] = pointers(wasm, [dy, x, step, dx, dStep, sums] as const);
    const simd = simdModule(wasm);
    if (simd) {
      const { outer, channels, inner, qn, qp, low, high } = plan;
      const scale = attributes.gradientScale;
      const tensors = [dyAt, xAt, stepAt, dxAt, dStepAt, sumsAt] as const;
      simd.fakeQuantBackward(...tensors, outer, channels, inner, qn, qp, low, high, scale);
    } else {
      const [dyValues, xValues, steps] = [floats(wasm, dy), floats(wasm, x), floats(wasm, step)];
      backwardLoop(dyValues, xValues, steps, floats(wasm, dx), floats(wasm, dStep), plan, attributes.gradientScale);
    }
    wasm.disposeData(sums.dataId);
    return [dx, dStep];
  },
};

/** Where tensors lie in the heap. Asking brings in those that lie elsewhere, which may grow the heap: before any view. */
function pointers<T extends readonly tf.TensorInfo[]>(wasm: WasmBackend, tensors: T): { [K in keyof T]: number } {
  return tensors.map(({ dataId }) => wasm.getMemoryOffset(dataId)) as { [K in keyof T]: number };
}

export const fakeQuantKernels: readonly tf.KernelConfig[] = [cpuForward, cpuBackward, wasmForward, wasmBackward];
