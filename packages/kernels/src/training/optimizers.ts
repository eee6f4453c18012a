import * as tf from '@tensorflow/tfjs-core';
import { type Tensors, wasmKernel } from '../backends/kernel';
import { registeredWithSimd } from '../backends/registered';
import { runKernel } from '../backends/run-kernel';
import { simdModule } from '../backends/simd-module';
import { addresses, floats } from '../backends/wasm-backend';

const MOMENTUM = 'QGenMomentum';
const ADAM = 'QGenAdam';

/** What an optimizer of tfjs is given. */
export type Gradients = Readonly<Record<string, tf.Tensor>> | readonly NamedTensor[];

interface NamedTensor {
  readonly name: string;
  readonly tensor: tf.Tensor;
}

/** A variable that an optimizer keeps for one of the model's. */
interface Kept {
  readonly originalName: string;
  readonly variable: tf.Variable;
}

/** What tfjs's `MomentumOptimizer` has that is used here. */
export interface Momentum {
  readonly accumulations: Kept[];
  readonly useNesterov: boolean;
  /** The momentum and the negative learning rate. */
  readonly m: tf.Tensor;
  readonly c: tf.Tensor;
  incrementIterations(): void;
}

/** What its `AdamOptimizer` has. */
export interface Adam {
  readonly accumulatedFirstMoment: Kept[];
  readonly accumulatedSecondMoment: Kept[];
  readonly accBeta1: tf.Variable;
  readonly accBeta2: tf.Variable;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly learningRate: number;
  incrementIterations(): void;
}

/**
 * A step of SGD with momentum, in one pass over each variable where tfjs takes four, and bit for bit the same.
 *
 * @returns false, and nothing is done, where that can't be: on other backends, with Nesterov's momentum
 */
export function stepOfMomentum(optimizer: Momentum, gradients: Gradients): boolean {
  const { accumulations, useNesterov, m, c } = optimizer;
  const parameters = parametersOf(gradients);
  if (useNesterov || !parameters || !registeredWithSimd(MOMENTUM)) return false;
  for (const { name, at, value, gradient } of parameters) {
    accumulations[at] ??= kept(`${name}/momentum`, value);
    if (!gradient) continue;
    const accumulation = accumulations[at].variable;
    assign([value, accumulation], () => runKernel(MOMENTUM, { value, accumulation, gradient, m, c }));
  }
  optimizer.incrementIterations();
  return true;
}

/** As `stepOfMomentum`, of Adam (Kingma and Ba 2015, algorithm 1), where tfjs takes fourteen passes. */
export function stepOfAdam(optimizer: Adam, gradients: Gradients): boolean {
  const { accumulatedFirstMoment: firsts, accumulatedSecondMoment: seconds, accBeta1, accBeta2 } = optimizer;
  const { beta1, beta2, epsilon, learningRate } = optimizer;
  const parameters = parametersOf(gradients);
  if (!parameters || !registeredWithSimd(ADAM)) return false;
  for (const { name, at, value, gradient } of parameters) {
    firsts[at] ??= kept(`${name}/m`, value);
    seconds[at] ??= kept(`${name}/v`, value);
    if (!gradient) continue;
    const [first, second] = [firsts[at].variable, seconds[at].variable];
    const inputs = { value, first, second, gradient, accBeta1, accBeta2 };
    assign([value, first, second], () => runKernel(ADAM, inputs, { beta1, beta2, epsilon, learningRate }));
  }
  tf.tidy(() => {
    accBeta1.assign(tf.mul(accBeta1, beta1));
    accBeta2.assign(tf.mul(accBeta2, beta2));
  });
  optimizer.incrementIterations();
  return true;
}

interface Parameter {
  readonly name: string;
  /** Its place among the gradients. */
  readonly at: number;
  readonly value: tf.Variable;
  readonly gradient: tf.Tensor | null | undefined;
}

/** Undefined unless all are variables of float32 with gradients of their shape. */
function parametersOf(gradients: Gradients): Parameter[] | undefined {
  const named: [string, tf.Tensor][] = Array.isArray(gradients)
    ? gradients.map(({ name, tensor }: NamedTensor) => [name, tensor])
    : Object.entries(gradients);
  const variables = tf.engine().registeredVariables;
  const parameters = named.map(([name, gradient], at) => ({ name, at, value: variables[name], gradient }));
  const fits = ({ value, gradient }: Parameter): boolean =>
    value?.dtype === 'float32' &&
    (!gradient || (gradient.dtype === 'float32' && tf.util.arraysEqual(gradient.shape, value.shape)));
  return parameters.every(fits) ? parameters : undefined;
}

const kept = (originalName: string, like: tf.Variable): Kept => ({
  originalName,
  variable: tf.tidy(() => tf.variable(tf.zerosLike(like), false)),
});

/** Gives the variables their new values. */
function assign(variables: readonly tf.Variable[], compute: () => tf.Tensor[]): void {
  tf.tidy(() => {
    for (const [i, value] of compute().entries()) variables[i].assign(value);
  });
}

export const optimizerKernels: readonly tf.KernelConfig[] = [
  wasmKernel<Tensors<'value' | 'accumulation' | 'gradient' | 'm' | 'c'>>(
    MOMENTUM,
    ({ value, accumulation, gradient, m, c }, _, wasm) => {
      const from = addresses(wasm, [value, accumulation, gradient, m, c] as const).slice(0, 3) as Three;
      const results = [0, 1].map(() => wasm.makeOutput(value.shape, 'float32'));
      const to = addresses(wasm, results) as unknown as [number, number];
      const [[momentum], [factor]] = [m, c].map((scalar) => floats(wasm, scalar));
      simdModule(wasm)!.momentum(...from, ...to, tf.util.sizeFromShape(value.shape), momentum, factor);
      return results;
    },
  ),
  wasmKernel<Tensors<'value' | 'first' | 'second' | 'gradient' | 'accBeta1' | 'accBeta2'>, AdamAttributes>(
    ADAM,
    ({ value, first, second, gradient, accBeta1, accBeta2 }, { beta1, beta2, epsilon, learningRate }, wasm) => {
      const from = addresses(wasm, [value, first, second, gradient] as const);
      addresses(wasm, [accBeta1, accBeta2]);
      const results = [0, 1, 2].map(() => wasm.makeOutput(value.shape, 'float32'));
      const to = addresses(wasm, results) as unknown as Three;
      const [correction1, correction2] = [accBeta1, accBeta2].map((power) => Math.fround(1 - floats(wasm, power)[0]));
      simdModule(wasm)!.adam(
        ...from,
        ...to,
        tf.util.sizeFromShape(value.shape),
        beta1,
        1 - beta1,
        beta2,
        1 - beta2,
        correction1,
        correction2,
        epsilon,
        -learningRate,
      );
      return results;
    },
  ),
];

type Three = [number, number, number];
type AdamAttributes = Pick<Adam, 'beta1' | 'beta2' | 'epsilon' | 'learningRate'>;
