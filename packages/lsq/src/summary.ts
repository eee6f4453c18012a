import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { modelSize } from './model-size';
import { quantizedLayers, quantizedWeights } from './quantized-weights';

/**
 * A table of a quantized model: for every layer its bits, step sizes, the codes that its kernels use and its bytes.
 *
 * It reads the weights synchronously. On webgpu, where tfjs can do so only through a canvas, if at all, steps and codes are
 * left out.
 */
export function summary(model: LayersModel): string {
  const { floatBytes, quantizedBytes, layers } = modelSize(model);
  const activations = new Map(quantizedLayers(model).map(({ layer, path }) => [path, layer.activation_]));
  const weights = quantizedWeights(model);
  const rows = layers.flatMap((layer) => {
    const quantizer = activations.get(layer.layer);
    const ofInput = quantizer
      ? [
          {
            cells: [
              '  input',
              '',
              `${quantizer.settings.bits}${quantizer.settings.signed ? '' : ' unsigned'}`,
              quantizer.initialized ? stepText(quantizer.step.read()) : 'no data seen yet',
              '',
              '',
            ],
          },
        ]
      : [];
    const kernels = weights
      .filter((weight) => weight.layer === layer.layer)
      .map((weight) => ({
        cells: [
          `  ${weight.name.split('/').at(-1)}`,
          `[${weight.shape}]`,
          `${weight.bits}`,
          stepText(weight.step),
          codesText(weight),
          '',
        ],
      }));
    const bits = layer.bits === null ? 'float' : `${layer.bits}`;
    const bytes = `${layer.floatBytes} → ${layer.quantizedBytes}`;
    return [
      { cells: [`${layer.layer} (${layer.className})`, `${layer.parameters}`, bits, '', '', bytes] },
      ...kernels,
      ...ofInput,
    ];
  });
  const ratio = quantizedBytes > 0 ? (floatBytes / quantizedBytes).toFixed(2) : '1';
  return [
    ...table([['layer', 'weights', 'bits', 'step', 'codes in use', 'bytes'], ...rows.map(({ cells }) => cells)]),
    `${floatBytes} bytes in float, ${quantizedBytes} packed: ${ratio} times smaller`,
  ].join('\n');
}

function stepText(step: tf.Tensor): string {
  const values = read(step);
  if (!values) return '–';
  const [low, high] = [values.reduce((a, b) => Math.min(a, b)), values.reduce((a, b) => Math.max(a, b))];
  return values.length === 1 ? low.toPrecision(4) : `${low.toPrecision(4)} … ${high.toPrecision(4)} (${values.length})`;
}

function codesText(weight: ReturnType<typeof quantizedWeights>[number]): string {
  const codes = weight.codes();
  const values = read(codes);
  codes.dispose();
  const { qn, qp } = weight;
  return values ? `${new Set(values).size} of ${qp - qn + 1}` : '–';
}

function read(tensor: tf.Tensor): number[] | null {
  return tf.getBackend() === 'webgpu' ? null : [...tensor.dataSync()];
}

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  );
}
