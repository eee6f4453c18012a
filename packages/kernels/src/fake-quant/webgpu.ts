import { runWebGPUProgram, type WebGPUBackend } from '@qgen/core';
import type * as tf from '@tensorflow/tfjs-core';
import { type Tensors, webgpuKernel } from '../backends/kernel';
import { type BackwardAttributes, FAKE_QUANT, FAKE_QUANT_BACKWARD, type FakeQuantAttributes } from './attributes';
import { type Quantizer, quantizer } from './loops';

/** z, its code, and t. The division is WGSL's, which may be 2.5 units in the last place off. */
const definitions = `
  fn effective(s : f32) -> f32 { return select(max(abs(s), 1e-8), uniforms.NAN, isnan(s)); }
  fn code(z : f32) -> f32 { return round(clamp(z, uniforms.qn, uniforms.qp)); }`;

const gradientDefinitions = (inclusive: boolean): string => `${definitions}
  fn inside(z : f32) -> bool {
    return ${inclusive ? 'z >= uniforms.qn && z <= uniforms.qp' : 'z > uniforms.qn && z < uniforms.qp'};
  }`;

const forward = `${definitions}
  fn main(index : i32) {
    if (index < uniforms.size) {
      let scale = effective(step[(index / uniforms.inner) % uniforms.channels]);
      let z = x[index] / scale;
      result[index] = select(code(z) * scale, uniforms.NAN, isnan(z));
    }
  }`;

const inputGradient = (inclusive: boolean): string => `${gradientDefinitions(inclusive)}
  fn main(index : i32) {
    if (index < uniforms.size) {
      let z = x[index] / effective(step[(index / uniforms.inner) % uniforms.channels]);
      result[index] = dy[index] * select(0.0, 1.0, inside(z) && !isnan(z));
    }
  }`;

/** Invocations of a workgroup that sums, and how many terms each of them sums in the first stage. */
const LANES = 256;
const TERMS = 64;

/** Adds up the columns of `partial`, LANES / columns rows of them, into its first row. */
const sumColumns = (columns: number): string => `
    workgroupBarrier();
    for (var half = ${LANES / columns / 2}; half > 0; half = half / 2) {
      if (lane < half * ${columns}) { partial[lane] = partial[lane] + partial[lane + half * ${columns}]; }
      workgroupBarrier();
    }`;

/**
 * First stage: a workgroup sums TERMS * LANES terms of dy * t, of `columns` channels side by side where these are
 * neighbours in memory. An invocation adds 8 sums of 8, and the workgroup adds those in pairs, which keeps the rounding
 * of a float32 sum small.
 */
const partialSums = (inclusive: boolean, columns: number): string => `${gradientDefinitions(inclusive)}
  var<workgroup> partial : array<f32, ${LANES}>;
  fn term(c : i32, row : i32) -> f32 {
    if (c >= uniforms.channels || row >= uniforms.rows) { return 0.0; }
    let at = ((row / uniforms.inner) * uniforms.channels + c) * uniforms.inner + row % uniforms.inner;
    let z = x[at] / effective(step[c]);
    if (isnan(z)) { return uniforms.NAN; }
    return dy[at] * (code(z) - select(0.0, z, inside(z)));
  }
  fn main(index : i32) {
    let lane = index % ${LANES};
    let group = index / ${LANES};
    let chunk = group % uniforms.chunks;
    let c = (group / uniforms.chunks) * ${columns} + lane % ${columns};
    var row = chunk * ${(TERMS * LANES) / columns} + lane / ${columns};
    var total = 0.0;
    for (var i = 0; i < ${TERMS / 8}; i = i + 1) {
      var sum = 0.0;
      for (var j = 0; j < 8; j = j + 1) {
        sum = sum + term(c, row);
        row = row + ${LANES / columns};
      }
      total = total + sum;
    }
    partial[lane] = total;${sumColumns(columns)}
    if (lane < ${columns} && c < uniforms.channels) { result[c * uniforms.chunks + chunk] = partial[lane]; }
  }`;

/** Second stage: a workgroup adds the partial sums of one channel. */
const stepGradient = `
  var<workgroup> partial : array<f32, ${LANES}>;
  fn main(index : i32) {
    let lane = index % ${LANES};
    let c = index / ${LANES};
    var total = 0.0;
    if (c < uniforms.size) {
      for (var k = lane; k < uniforms.chunks; k = k + ${LANES}) { total = total + sums[c * uniforms.chunks + k]; }
    }
    partial[lane] = total;${sumColumns(1)}
    if (lane == 0 && c < uniforms.size) { result[c] = partial[0] * sign(step[c]) * uniforms.gradientScale; }
  }`;

const uniforms = ({ channels, inner, qn, qp }: Quantizer) => ({ integers: { channels, inner }, floats: { qn, qp } });

const fakeQuant = webgpuKernel<Tensors<'x' | 'step'>, FakeQuantAttributes>(
  FAKE_QUANT,
  ({ x, step }, attributes, webgpu) =>
    runWebGPUProgram(webgpu, {
      key: 'fakeQuant',
      inputs: { x, step },
      ...uniforms(quantizer(x.shape, attributes)),
      shape: x.shape,
      dtype: 'float32',
      code: forward,
    }),
);

const fakeQuantBackward = webgpuKernel<Tensors<'dy' | 'x' | 'step'>, BackwardAttributes>(
  FAKE_QUANT_BACKWARD,
  (inputs, attributes, webgpu) => {
    const { x, step } = inputs;
    const inclusive = attributes.boundary === 'inclusive';
    const plan = quantizer(x.shape, attributes);
    const dx = runWebGPUProgram(webgpu, {
      key: `fakeQuantInputGradient_${inclusive}`,
      inputs,
      ...uniforms(plan),
      shape: x.shape,
      dtype: 'float32',
      code: inputGradient(inclusive),
    });
    if (x.shape.includes(0)) return [dx, webgpu.makeTensorInfo(step.shape, 'float32', new Float32Array(plan.channels))];
    return [dx, stepGradientOf(webgpu, inputs, plan, inclusive, attributes.gradientScale)];
  },
);

/** The two stages of the step's gradient. */
function stepGradientOf(
  webgpu: WebGPUBackend,
  inputs: Tensors<'dy' | 'x' | 'step'>,
  plan: Quantizer,
  inclusive: boolean,
  gradientScale: number,
): tf.TensorInfo {
  const { integers, floats } = uniforms(plan);
  const { outer, channels, inner } = plan;
  const columns = inner === 1 && channels > 1 ? 16 : 1;
  const rows = outer * inner;
  const chunks = Math.ceil((rows * columns) / (TERMS * LANES));
  const sums = runWebGPUProgram(webgpu, {
    key: `fakeQuantPartialSums_${inclusive}_${columns}`,
    inputs,
    integers: { ...integers, rows, chunks },
    floats,
    shape: [channels * chunks],
    dtype: 'float32',
    invocations: Math.ceil(channels / columns) * chunks * LANES,
    workgroupSize: LANES,
    code: partialSums(inclusive, columns),
  });
  const { step } = inputs;
  const dStep = runWebGPUProgram(webgpu, {
    key: 'fakeQuantStepGradient',
    inputs: { sums, step },
    integers: { chunks },
    floats: { gradientScale },
    shape: step.shape,
    dtype: 'float32',
    invocations: channels * LANES,
    workgroupSize: LANES,
    code: stepGradient,
  });
  webgpu.disposeData(sums.dataId);
  return dStep;
}

export const webgpuFakeQuantKernels: readonly tf.KernelConfig[] = [fakeQuant, fakeQuantBackward];
