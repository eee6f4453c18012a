import * as tf from '@tensorflow/tfjs-core';
import { valuesOf } from '../backends/cpu-backend';
import { cpuKernel, type Tensors, wasmKernel } from '../backends/kernel';
import { simdModule } from '../backends/simd-module';
import { addresses, floats } from '../backends/wasm-backend';
import { type BackwardAttributes, FAKE_QUANT, FAKE_QUANT_BACKWARD, type FakeQuantAttributes } from './attributes';
import { backwardLoop, forwardLoop, quantizer } from './loops';

type ForwardInputs = Tensors<'x' | 'step'>;
type BackwardInputs = Tensors<'dy' | 'x' | 'step'>;

const cpuForward = cpuKernel<ForwardInputs, FakeQuantAttributes>(FAKE_QUANT, ({ x, step }, attributes, cpu) => {
  const y = new Float32Array(tf.util.sizeFromShape(x.shape));
  forwardLoop(valuesOf(cpu, x), valuesOf(cpu, step), y, quantizer(x.shape, attributes));
  return cpu.makeTensorInfo(x.shape, 'float32', y);
});

const cpuBackward = cpuKernel<BackwardInputs, BackwardAttributes>(
  FAKE_QUANT_BACKWARD,
  ({ dy, x, step }, attributes, cpu) => {
    const dx = new Float32Array(tf.util.sizeFromShape(x.shape));
    const dStep = new Float32Array(tf.util.sizeFromShape(step.shape));
    const plan = quantizer(x.shape, attributes);
    const values = [valuesOf(cpu, dy), valuesOf(cpu, x), valuesOf(cpu, step)] as const;
    backwardLoop(...values, dx, dStep, plan, attributes.gradientScale);
    return [cpu.makeTensorInfo(x.shape, 'float32', dx), cpu.makeTensorInfo(step.shape, 'float32', dStep)];
  },
);

const wasmForward = wasmKernel<ForwardInputs, FakeQuantAttributes>(FAKE_QUANT, ({ x, step }, attributes, wasm) => {
  const plan = quantizer(x.shape, attributes);
  const y = wasm.makeOutput(x.shape, 'float32');
  const at = addresses(wasm, [x, step, y] as const);
  const simd = simdModule(wasm);
  if (simd) {
    const { outer, channels, inner, qn, qp } = plan;
    simd.fakeQuantForward(...at, outer, channels, inner, qn, qp);
  } else forwardLoop(floats(wasm, x), floats(wasm, step), floats(wasm, y), plan);
  return y;
});

const wasmBackward = wasmKernel<BackwardInputs, BackwardAttributes>(
  FAKE_QUANT_BACKWARD,
  ({ dy, x, step }, attributes, wasm) => {
    const { gradientScale } = attributes;
    const plan = quantizer(x.shape, attributes);
    const dx = wasm.makeOutput(x.shape, 'float32');
    const dStep = wasm.makeOutput(step.shape, 'float32');
    // Room for one float64 a channel.
    const sums = wasm.makeOutput([2 * plan.channels], 'float32');
    const at = addresses(wasm, [dy, x, step, dx, dStep, sums] as const);
    const simd = simdModule(wasm);
    if (simd) {
      const { outer, channels, inner, qn, qp, low, high } = plan;
      simd.fakeQuantBackward(...at, outer, channels, inner, qn, qp, low, high, gradientScale);
    } else {
      const values = [floats(wasm, dy), floats(wasm, x), floats(wasm, step)] as const;
      backwardLoop(...values, floats(wasm, dx), floats(wasm, dStep), plan, gradientScale);
    }
    wasm.disposeData(sums.dataId);
    return [dx, dStep];
  },
);

export const fakeQuantKernels: readonly tf.KernelConfig[] = [cpuForward, cpuBackward, wasmForward, wasmBackward];
