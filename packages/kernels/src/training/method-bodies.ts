import * as tf from '@tensorflow/tfjs-core';
import { gelu } from './elementwise/gelu';
import { relu6 } from './elementwise/relu-gradient';
import { batchNormInTraining, movingAverage, trainsBatchNorm } from './normalization/batch-norm-training';
import { layerNormalization } from './normalization/layer-normalization';
import { type Adam, type Gradients, type Momentum, stepOfAdam, stepOfMomentum } from './optimizers';

/** What the classes of tfjs-layers have that is used here; they are found by name, so that tfjs-layers stays optional. */
interface LayerNormalization {
  readonly axis: readonly number[];
  readonly epsilon: number;
  readonly scale: boolean;
  readonly center: boolean;
  readonly gamma?: { read(): tf.Tensor };
  readonly beta?: { read(): tf.Tensor };
}
interface Variable {
  read(): tf.Tensor;
  write(value: tf.Tensor): unknown;
}
interface BatchNormalization {
  readonly axis: number;
  readonly momentum: number;
  readonly epsilon: number;
  readonly gamma?: Variable;
  readonly beta?: Variable;
  readonly movingMean: Variable;
  readonly movingVariance: Variable;
}
type Body = (this: unknown, ...args: unknown[]) => unknown;
interface MethodBody {
  readonly className: string;
  readonly method: string;
  readonly wrap: (stock: Body) => Body;
}

/** Methods of tfjs that take the place of stock ones: same values, gradients that keep their input alone, optimizers in one pass. */
const bodies: readonly MethodBody[] = [
  {
    className: 'LayerNormalization',
    method: 'call',
    wrap: (stock) =>
      function (inputs, ...rest) {
        const [x] = [inputs].flat() as [tf.Tensor];
        const { axis: axes, epsilon, scale, center, gamma, beta } = this as LayerNormalization;
        if (x.dtype !== 'float32') return stock.call(this, inputs, ...rest);
        return layerNormalization(x, scale ? gamma!.read() : null, center ? beta!.read() : null, { axes, epsilon });
      },
  },
  {
    className: 'BatchNormalization',
    method: 'call',
    wrap: (stock) =>
      function (inputs, ...rest) {
        const [{ training = false } = {}] = rest as [{ training?: boolean | null }?];
        const [x] = [inputs].flat() as [tf.Tensor];
        const { axis, gamma, beta, epsilon, momentum, movingMean, movingVariance } = this as BatchNormalization;
        const last = axis === -1 || axis === x.rank - 1;
        // Of no rows there are no statistics, and tfjs-layers takes matrices to images only.
        const fits = x.dtype === 'float32' && x.size > 0 && x.rank >= 2 && x.rank <= 4;
        if (!training || !gamma || !beta || !last || !fits || !trainsBatchNorm())
          return stock.call(this, inputs, ...rest);
        return tf.tidy(() => {
          const { y, mean, variance } = batchNormInTraining(x, gamma.read(), beta.read(), epsilon);
          movingMean.write(movingAverage(movingMean.read(), mean, momentum));
          movingVariance.write(movingAverage(movingVariance.read(), variance, momentum));
          return y;
        });
      },
  },
  activationBody('gelu', gelu),
  activationBody('relu6', relu6),
  optimizerBody<Momentum>('Momentum', stepOfMomentum),
  optimizerBody<Adam>('Adam', stepOfAdam),
];

/** An activation of float32 tensors. */
function activationBody(className: string, activation: (x: tf.Tensor) => tf.Tensor): MethodBody {
  return {
    className,
    method: 'apply',
    wrap: (stock) =>
      function (x, ...rest) {
        return (x as tf.Tensor).dtype === 'float32' ? activation(x as tf.Tensor) : stock.call(this, x, ...rest);
      },
  };
}

/** An optimizer, by a step of it that is false where it is left to tfjs. */
function optimizerBody<Optimizer>(
  className: string,
  step: (optimizer: Optimizer, gradients: Gradients) => boolean,
): MethodBody {
  return {
    className,
    method: 'applyGradients',
    wrap: (stock) =>
      function (gradients, ...rest) {
        if (!step(this as Optimizer, gradients as Gradients)) stock.call(this, gradients, ...rest);
      },
  };
}

/** Set on what a copy of this package has put there. */
const ours = Symbol.for('qgen.layer-body');

/** Puts our bodies into the classes that tfjs-layers has registered by now; once. */
export function installMethodBodies(): void {
  const { classNameMap } = tf.serialization.SerializationMap.getMap();
  for (const { className, method, wrap } of bodies) {
    const prototype = classNameMap[className]?.[0].prototype as Record<string, Body & { [ours]?: true }> | undefined;
    const stock = prototype?.[method];
    if (!prototype || !stock || stock[ours]) continue;
    prototype[method] = Object.assign(wrap(stock), { [ours]: true as const });
  }
}
