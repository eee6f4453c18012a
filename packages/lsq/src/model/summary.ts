import type * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { readNow } from '../quantizer/read-now';
import { activationQuantizers } from './activation-quantizers';
import { modelSize, sizeText } from './model-size';
import { type QuantizedWeight, quantizedWeights } from './quantized-weights';
import { requireModel } from './require-model';

/**
 * A table of a quantized model: for every layer its bits, step sizes, the codes that its kernels use and its bytes. A step
 * that training has driven through zero is marked.
 *
 * It reads the weights at once. On webgpu, where tfjs can do so only through a canvas, if at all, steps and codes are left
 * out: `summaryAsync` has them everywhere.
 *
 * @throws TypeError if `model` is no LayersModel
 */
export function summary(model: LayersModel): string {
  requireModel('summary', model);
  const { rows, total } = contents(model);
  return table(
    rows.map((row) =>
      row.map((cell) => {
        if (typeof cell === 'string') return cell;
        const tensor = cell.tensor();
        const values = readNow(tensor);
        cell.free?.(tensor);
        return values ? cell.text(values) : '–';
      }),
    ),
    total,
  );
}

/** `summary` on any backend, waiting for what a GPU holds. */
export async function summaryAsync(model: LayersModel): Promise<string> {
  requireModel('summaryAsync', model);
  const { rows, total } = contents(model);
  const texts: string[][] = [];
  for (const row of rows) {
    const cells: string[] = [];
    for (const cell of row) {
      if (typeof cell === 'string') {
        cells.push(cell);
        continue;
      }
      const tensor = cell.tensor();
      cells.push(cell.text(await tensor.data()));
      cell.free?.(tensor);
    }
    texts.push(cells);
  }
  return table(texts, total);
}

/** A cell that shows what a tensor holds. */
interface Cell {
  tensor(): tf.Tensor;
  text(values: tf.TypedArray): string;
  /** Frees the tensor where it was made for the cell. */
  free?(tensor: tf.Tensor): void;
}

function contents(model: LayersModel): {
  readonly rows: readonly (readonly (string | Cell)[])[];
  readonly total: string;
} {
  const size = modelSize(model);
  const activations = new Map(activationQuantizers(model).map(({ path, quantizer }) => [path, quantizer]));
  const weights = quantizedWeights(model);
  const rows = size.layers.flatMap((layer) => {
    const quantizer = activations.get(layer.layer);
    const grid = quantizer && `${quantizer.settings.bits}${quantizer.settings.signed ? '' : ' unsigned'}`;
    const step: Cell | undefined = quantizer && { tensor: () => quantizer.step, text: activationStepText };
    const title = `${layer.layer} (${layer.className})`;
    const bytes = `${layer.floatBytes} → ${layer.quantizedBytes}`;
    if (layer.className === 'FakeQuant') return [[title, '', grid!, step!, '', bytes]];
    const bits = layer.bits === null ? 'float' : `${layer.bits}`;
    const kernels = weights.filter((weight) => weight.layer === layer.layer).map(kernelRow);
    const input = quantizer ? [['  input', '', grid!, step!, '', '']] : [];
    return [[title, `${layer.parameters}`, bits, '', '', bytes], ...kernels, ...input];
  });
  return { rows, total: sizeText(size) };
}

function kernelRow({ name, shape, bits, step, codes, qn, qp }: QuantizedWeight): (string | Cell)[] {
  return [
    `  ${name.split('/').at(-1)}`,
    `[${shape}]`,
    `${bits}`,
    { tensor: () => step, text: stepText },
    {
      tensor: codes,
      text: (values) => `${new Set(values).size} of ${qp - qn + 1}`,
      free: (tensor) => tensor.dispose(),
    },
    '',
  ];
}

function activationStepText(values: tf.TypedArray): string {
  return values[0] === 0 ? 'no data seen yet' : stepText(values);
}

function stepText(values: tf.TypedArray): string {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) [low, high] = [Math.min(low, value), Math.max(high, value)];
  const crossed = low < 0 ? ', crossed zero' : '';
  if (values.length === 1) return low.toPrecision(4) + crossed;
  return `${low.toPrecision(4)} … ${high.toPrecision(4)} (${values.length})${crossed}`;
}

function table(rows: readonly (readonly string[])[], total: string): string {
  const all = [['layer', 'weights', 'bits', 'step', 'codes in use', 'bytes'], ...rows];
  const widths = all[0].map((_, column) => Math.max(...all.map((row) => row[column].length)));
  const lines = all.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]))
      .join('  ')
      .trimEnd(),
  );
  return [...lines, total].join('\n');
}
