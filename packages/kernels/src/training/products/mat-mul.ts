import * as tf from '@tensorflow/tfjs-core';
import { type Stock, type Tensors, wasmKernel, wasmWrapper } from '../../backends/kernel';
import { simdModule } from '../../backends/simd-module';
import { addresses, floats, requireFloat32, runOnWasm, type WasmBackend, zeros } from '../../backends/wasm-backend';
import { clamps } from '../elementwise/clamps';
import { onWholeBatches, type Sides } from './mat-mul-batches';

interface MatMulAttributes {
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}

/**
 * Batched matrix product on wasm. Takes the place of tfjs-backend-wasm's kernel, which is two hundred times slower where
 * a matrix comes transposed, as in the gradient of every dense layer, and which looks up its packed copy of b by b's
 * data alone: read in another shape, after a reshape, the same data gives wrong values or an abort.
 */
export const batchMatMul = wasmWrapper<Sides, MatMulAttributes>('BatchMatMul', (sides, attributes, wasm, stock) =>
  onWholeBatches('wasm', wasm, sides, ({ a, b }) => product(wasm, a, b, attributes, stock)),
);

/** The same with a bias and an activation. */
export const fusedMatMul = wasmKernel<FusedInputs, FusedAttributes>('_FusedMatMul', (inputs, attributes, wasm) => {
  const { a, b, bias, preluActivationWeights } = inputs;
  const { activation = 'linear', leakyreluAlpha } = attributes;
  let output = runOnWasm(wasm, 'BatchMatMul', { a, b }, attributes);
  const next = (kernelName: string, inputs: tf.NamedTensorInfoMap, more: object = {}): void => {
    const input = output;
    output = runOnWasm(wasm, kernelName, inputs, more);
    wasm.disposeData(input.dataId);
  };
  const simd = simdModule(wasm);
  const columns = output.shape.at(-1)!;
  const clamp = clamps[activation];
  const [low, high] = clamp ?? clamps.linear!;
  if (bias && simd && bias.shape.at(-1) === columns && tf.util.sizeFromShape(bias.shape) === columns) {
    const rows = tf.util.sizeFromShape(output.shape) / columns;
    const biasAt = wasm.getMemoryOffset(bias.dataId);
    simd.addAndClamp(wasm.getMemoryOffset(output.dataId), biasAt, rows, columns, low, high);
    if (clamp) return output;
  } else if (bias) next('Add', { a: output, b: bias });
  if (activation === 'prelu') next('Prelu', { x: output, alpha: preluActivationWeights });
  else if (activation === 'leakyrelu') next('LeakyRelu', { x: output }, { alpha: leakyreluAlpha });
  else if (activation in kernelOf) next(kernelOf[activation as keyof typeof kernelOf], { x: output });
  else if (activation !== 'linear')
    throw new RangeError(
      `fused.matMul: activation must be linear, prelu, leakyrelu, ${Object.keys(kernelOf).join(', ')}, got ${activation}`,
    );
  return output;
});

const kernelOf = { relu: 'Relu', relu6: 'Relu6', elu: 'Elu', sigmoid: 'Sigmoid' } as const;

type FusedInputs = Sides & Partial<Tensors<'bias' | 'preluActivationWeights'>>;

interface FusedAttributes extends MatMulAttributes {
  readonly activation?: string;
  readonly leakyreluAlpha?: number;
}

/**
 * Whether b is better read from where it lies than copied into panels: always for up to four rows of a, and for more where b
 * is large. With both matrices transposed neither's rows lie in one piece.
 */
const readsInPlace = (m: number, n: number, k: number, { transposeA, transposeB }: MatMulAttributes): boolean =>
  (m <= 4 || (m <= 128 && n * k >= 2 ** 15)) && !(transposeA && transposeB && m > 1);

function product(
  wasm: WasmBackend,
  a: tf.TensorInfo,
  b: tf.TensorInfo,
  { transposeA, transposeB }: MatMulAttributes,
  stock: Stock<Sides, MatMulAttributes>,
): tf.TensorInfo {
  if (a.dtype !== 'float32' || b.dtype !== 'float32') requireFloat32('matMul', { a, b });
  const [aBatch, bBatch] = [a.shape.slice(0, -2), b.shape.slice(0, -2)];
  const [aRows, aColumns] = a.shape.slice(-2) as [number, number];
  const [bRows, bColumns] = b.shape.slice(-2) as [number, number];
  const [m, k] = transposeA ? [aColumns, aRows] : [aRows, aColumns];
  const [inner, n] = transposeB ? [bColumns, bRows] : [bRows, bColumns];
  if (inner !== k)
    throw new RangeError(
      `matMul: inner sizes must be equal, got ${k} and ${inner} of [${a.shape}] and [${b.shape}] ` +
        `with transposeA ${transposeA} and transposeB ${transposeB}`,
    );
  const [aSize, bSize] = [tf.util.sizeFromShape(aBatch), tf.util.sizeFromShape(bBatch)];
  const shape = [...tf.broadcast_util.assertAndGetBroadcastShape(aBatch, bBatch), m, n];
  const batch = Math.max(aSize, bSize);
  if (shape.includes(0) || k === 0) return zeros(wasm, shape);
  const simd = simdModule(wasm);
  if (!simd) return withFreshCopy(wasm, a, b, { transposeA, transposeB }, stock);
  const [aAt, bAt] = addresses(wasm, [a, b] as const);
  const c = wasm.makeOutput(shape, 'float32');
  const few = readsInPlace(m, n, k, { transposeA, transposeB });
  const room = !few ? k * up(n, 8) : transposeB || m < 3 ? 0 : k * (up(m, 4) + 8) + n;
  const scratch = room > 0 ? wasm.makeOutput([room], 'float32') : undefined;
  simd.matMul(
    aAt,
    bAt,
    wasm.getMemoryOffset(c.dataId),
    scratch ? wasm.getMemoryOffset(scratch.dataId) : 0,
    batch,
    aSize === 1 ? 0 : 4 * m * k,
    bSize === 1 ? 0 : 4 * k * n,
    m,
    n,
    k,
    transposeA ? 1 : 0,
    transposeB ? 1 : 0,
    few ? 1 : 0,
  );
  if (scratch) wasm.disposeData(scratch.dataId);
  return c;
}

/** The least multiple of `unit` from `count`. */
const up = (count: number, unit: number): number => unit * Math.ceil(count / unit);

/** tfjs-backend-wasm's own product, of matrices that it sees for the first time and in their natural order. */
function withFreshCopy(
  wasm: WasmBackend,
  a: tf.TensorInfo,
  b: tf.TensorInfo,
  { transposeA, transposeB }: MatMulAttributes,
  stock: Stock<Sides, MatMulAttributes>,
): tf.TensorInfo {
  const upright = (x: tf.TensorInfo, transpose: boolean): tf.TensorInfo => {
    const axes = x.shape.map((_, axis) => axis);
    if (transpose) axes.push(...axes.splice(-2).reverse());
    const turned = runOnWasm(wasm, 'Transpose', { x }, { perm: axes });
    const copy = wasm.makeOutput(turned.shape, 'float32');
    floats(wasm, copy).set(floats(wasm, turned));
    wasm.disposeData(turned.dataId);
    return copy;
  };
  const [left, right] = [upright(a, transposeA), upright(b, transposeB)];
  const output = stock({ a: left, b: right }, { transposeA: false, transposeB: false }) as tf.TensorInfo;
  for (const { dataId } of [left, right]) wasm.disposeData(dataId);
  return output;
}
