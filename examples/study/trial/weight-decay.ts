import * as tf from '@tensorflow/tfjs-core';

/**
 * Adds λ w to the gradient of each of these weights, as the `weight_decay` of PyTorch's SGD, Adam and RMSprop does
 * (not AdamW's, which bypasses the gradient).
 */
export function withWeightDecay<Base extends tf.Optimizer>(
  optimizer: Base,
  decay: number,
  decayed: (name: string) => boolean,
): Base {
  if (decay === 0) return optimizer;
  const apply = optimizer.applyGradients.bind(optimizer);
  optimizer.applyGradients = (gradients) => {
    const variables = tf.engine().registeredVariables;
    const entries = Array.isArray(gradients)
      ? gradients
      : Object.entries(gradients).map(([name, tensor]) => ({ name, tensor }));
    tf.tidy(() =>
      apply(
        entries.map(({ name, tensor }) => ({
          name,
          tensor: tensor && decayed(name) ? tf.add(tensor, tf.mul(decay, variables[name]!)) : tensor,
        })),
      ),
    );
  };
  return optimizer;
}
