import { displayed, leafLayers, numberColumn, type Sheet } from '@qgen/core';
import type { LayersModel, LayerVariable } from '@tensorflow/tfjs-layers';
import { FakeQuant } from '../layers/fake-quant-layer';
import { isQuantizedLayer } from '../layers/quantized-layer';
import { requireModel } from './require-model';

/** Bytes of the weights of a model, without the description of its graph. */
export interface ModelSize {
  /** 4 bytes for every weight of the float model. */
  readonly floatBytes: number;
  /** With every quantized kernel packed. */
  readonly quantizedBytes: number;
  readonly layers: readonly LayerSize[];
}

export interface LayerSize {
  readonly layer: string;
  readonly className: string;
  /** Width of the kernels' codes, or null where they are float. */
  readonly bits: number | null;
  /** Number of weights, steps and offsets not counted. */
  readonly parameters: number;
  readonly floatBytes: number;
  readonly quantizedBytes: number;
}

/**
 * The size of a model's weights in float and with its kernels packed:
 *
 *     quantizedBytes = Σ over quantized kernels (ceil(n bits / 8) + 4 steps) + 4 (everything else)
 *
 * with a step for each index of an axis that has several, also where neighbours share theirs, and where what the quantizers of activations are saved with belongs to everything else. For a model that is not quantized
 * both are the same.
 *
 * @throws TypeError if `model` is no LayersModel
 */
export function modelSize(model: LayersModel): ModelSize {
  requireModel('modelSize', model);
  const layers = leafLayers(model)
    .map(({ layer, path }): LayerSize => {
      const className = layer.getClassName();
      if (layer instanceof FakeQuant) {
        const quantizedBytes = 4 * countOf(layer.weights);
        return { layer: path, className, bits: null, parameters: 0, floatBytes: 0, quantizedBytes };
      }
      if (!isQuantizedLayer(layer)) {
        const parameters = countOf(layer.weights);
        const bytes = 4 * parameters;
        return { layer: path, className, bits: null, parameters, floatBytes: bytes, quantizedBytes: bytes };
      }
      const parameters = countOf(layer.baseWeights);
      const kernels = countOf(layer.views.map((view) => view.latentWeight));
      const steps = layer.views.reduce((sum, { shape, view }) => sum + (view.axis === null ? 1 : shape[view.axis]), 0);
      const packed = layer.views.reduce((sum, { shape, options }) => sum + packedBytes(sizeOf(shape), options.bits), 0);
      return {
        layer: path,
        className: layer.baseClassName,
        bits: layer.quantization.weights?.bits ?? null,
        parameters,
        floatBytes: 4 * parameters,
        quantizedBytes: packed + 4 * (parameters - kernels + steps + countOf(layer.inputQuantizer?.weights ?? [])),
      };
    })
    .filter(({ quantizedBytes }) => quantizedBytes > 0);
  const size: ModelSize = {
    floatBytes: layers.reduce((sum, layer) => sum + layer.floatBytes, 0),
    quantizedBytes: layers.reduce((sum, layer) => sum + layer.quantizedBytes, 0),
    layers,
  };
  return displayed(size, sizeSheet);
}

/** How many times smaller the packed weights are, in words. */
export function sizeText({ floatBytes, quantizedBytes }: ModelSize): string {
  const ratio = quantizedBytes > 0 ? (floatBytes / quantizedBytes).toFixed(2) : '1';
  return `${floatBytes} bytes in float, ${quantizedBytes} packed: ${ratio} times smaller`;
}

function sizeSheet(size: ModelSize): Sheet {
  return [
    {
      columns: [
        { title: 'layer' },
        numberColumn('weights'),
        numberColumn('bits'),
        numberColumn('bytes in float'),
        numberColumn('packed'),
      ],
      rows: size.layers.map(({ layer, className, parameters, bits, floatBytes, quantizedBytes }) => [
        `${layer} (${className})`,
        `${parameters}`,
        bits === null ? 'float' : `${bits}`,
        `${floatBytes}`,
        `${quantizedBytes}`,
      ]),
    },
    sizeText(size),
  ];
}

/** Bytes that n codes take when they are packed without gaps. */
export function packedBytes(n: number, bits: number): number {
  return Math.ceil((n * bits) / 8);
}

function sizeOf(shape: readonly (number | null)[]): number {
  return shape.reduce<number>((product, size) => product * (size ?? 1), 1);
}

function countOf(weights: readonly LayerVariable[]): number {
  return weights.reduce((sum, weight) => sum + sizeOf(weight.shape), 0);
}
