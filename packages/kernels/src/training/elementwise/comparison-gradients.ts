import * as tf from '@tensorflow/tfjs-core';

/**
 * The gradient of a comparison is zero; tfjs has none for these, so that a ThresholdedReLU and a Masking layer can't be
 * trained through.
 */
export const comparisonGradients: readonly tf.GradConfig[] = [
  ...['Equal', 'NotEqual', 'Greater', 'Less', 'LessEqual'].map((kernelName) => vanishing(kernelName, ['a', 'b'])),
  vanishing('Any', ['x']),
  vanishing('All', ['x']),
];

function vanishing(kernelName: string, inputsToSave: string[]): tf.GradConfig {
  return {
    kernelName,
    inputsToSave,
    gradFunc: (_, saved) => Object.fromEntries(inputsToSave.map((name, i) => [name, () => tf.zeros(saved[i].shape)])),
  };
}
