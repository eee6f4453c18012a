import { shown, streamData, type UnlabelledData } from '@qgen/core';
import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';

/** A batch on the device, one tensor for each input of the model, disposed of when the next is asked for. */
export interface InputBatch {
  readonly inputs: tf.Tensor[];
  readonly size: number;
}

/**
 * One pass over examples for a model: any form of `UnlabelledData`, or for a model of several inputs one tensor each.
 *
 * @throws RangeError if there is no example, or a shape is not that of the model's input; TypeError if the form is none
 * of the accepted
 */
export async function openInputs(
  name: string,
  model: LayersModel,
  xs: UnlabelledData | readonly tf.Tensor[],
): Promise<{ readonly size: number | undefined; batches(batchSize: number): AsyncGenerator<InputBatch> }> {
  if (model.inputs.length > 1) return openTensors(name, model, xs as readonly tf.Tensor[]);
  const inputShape = model.inputs[0].shape;
  const stream = await streamData(xs as UnlabelledData, name, { labels: 'none', inputShape });
  return {
    size: stream.size,
    async *batches(batchSize) {
      for await (const { xs } of stream.batches(batchSize)) yield { inputs: [xs], size: xs.shape[0] };
    },
  };
}

function openTensors(name: string, model: LayersModel, xs: readonly tf.Tensor[]) {
  checkInputs(name, model, xs);
  const size = xs[0].shape[0];
  return {
    size,
    async *batches(batchSize: number): AsyncGenerator<InputBatch> {
      for (let start = 0; start < size; start += batchSize) {
        const count = Math.min(batchSize, size - start);
        const inputs = xs.map((input) => tf.slice(input, start, count));
        try {
          yield { inputs, size: count };
        } finally {
          tf.dispose(inputs);
        }
      }
    },
  };
}

/**
 * Throws an error that begins with `name` unless the tensors are as many examples of each input of the model.
 *
 * @param given what they were made from, for the message
 */
export function checkInputs(
  name: string,
  model: LayersModel,
  inputs: readonly tf.Tensor[],
  given: unknown = inputs,
): void {
  const tensors = Array.isArray(inputs) && inputs.every((input) => input instanceof tf.Tensor);
  const wanted =
    model.inputs.length === 1 ? 'a tensor' : `an array of ${model.inputs.length} tensors, one for each input`;
  if (!tensors) throw new TypeError(`${name}: xs must be ${wanted}, got ${shown(given)}`);
  if (inputs.length !== model.inputs.length)
    throw new RangeError(`${name}: the model has ${model.inputs.length} inputs, got tensors for ${inputs.length}`);
  inputs.forEach((input, i) => {
    const { shape } = model.inputs[i];
    const fits = (size: number | null, axis: number) => axis === 0 || size === null || size === input.shape[axis];
    if (input.rank !== shape.length || !shape.every(fits))
      throw new RangeError(`${name}: xs must have the shape [${shape.map(String)}], got [${input.shape}]`);
    if (input.shape[0] === 0) throw new RangeError(`${name}: xs holds no example; give it a few hundred`);
    if (input.shape[0] !== inputs[0].shape[0])
      throw new RangeError(
        `${name}: the inputs must have as many examples each, got ${inputs.map(({ shape }) => shape[0]).join(' and ')}`,
      );
  });
}
