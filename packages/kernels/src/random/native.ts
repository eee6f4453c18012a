import { draw, type PhiloxAddress, philoxBits } from '@qgen/core';
import * as tf from '@tensorflow/tfjs-core';
import { nativeKernel } from '../backends/kernel';
import type { NodeBackend } from '../backends/node-backend';
import { simdModuleOver } from '../backends/simd-module';
import { drawBySimd, RANDOM, type RandomAttributes } from './wasm';

/**
 * Random numbers on tfjs-node. The integers come from TensorFlow's own Philox, which runs on the device; uniform and
 * normal numbers from our SIMD kernel and one upload, which take less time than the operations of TensorFlow's that would
 * make them of the integers.
 */
export const nativeRandom = nativeKernel<object, RandomAttributes>(RANDOM, (_, attributes, node) => {
  if (attributes.kind === 'bits' && tensorFlowAgrees(node)) return tensorFlowBits(node, attributes.shape, attributes);
  const values = drawOnHost(attributes);
  return tf.tensor(values, [...attributes.shape], attributes.kind === 'bits' ? 'int32' : 'float32');
});

/** How many numbers are drawn at a time into the memory of the SIMD kernel, and its 64 KiB pages for them. */
const CHUNK = 2 ** 18;
const PAGES = (4 * CHUNK) / 2 ** 16 + 1;
let memory: WebAssembly.Memory | undefined;

function drawOnHost(attributes: RandomAttributes): Int32Array | Float32Array {
  const { kind, shape, scale, shift, offset } = attributes;
  const size = tf.util.sizeFromShape([...shape]);
  memory ??= new WebAssembly.Memory({ initial: PAGES, maximum: 32_768 });
  const simd = simdModuleOver(memory);
  if (!simd) return draw(kind, size, attributes, scale, shift);
  const Values = kind === 'bits' ? Int32Array : Float32Array;
  const values = new Values(size);
  const scratch = 4 * CHUNK;
  for (let at = 0; at < size; at += CHUNK) {
    const count = Math.min(CHUNK, size - at);
    drawBySimd(simd, { ...attributes, offset: offset + at }, count, 0, scratch);
    values.set(new Values(memory.buffer, 0, count), at);
  }
  return values;
}

/** DT_UINT64 in TensorFlow's types.proto, a type that tfjs doesn't have. */
const UINT64 = 23;
/** `tf.random.Algorithm.PHILOX` of TensorFlow. */
const PHILOX = 1;

/**
 * Integers of TensorFlow's StatelessRandomUniformFullIntV2: the key and the counter of Philox4x32-10 are given to it as
 * they are, so that its words are those of `philoxBits` from the block of `offset` on.
 */
function tensorFlowBits(
  node: NodeBackend,
  shape: readonly number[],
  { key, stream, offset }: PhiloxAddress,
): tf.Tensor {
  const { binding } = node;
  const made: number[] = [];
  const type = (name: string, value: number) => ({ name, type: binding.TF_ATTR_TYPE, value });
  const keep = (id: number) => {
    made.push(id);
    return id;
  };
  const int32 = (shape: readonly number[], values: readonly number[]) =>
    keep(binding.createTensor(shape, binding.TF_INT32, Int32Array.from(values)));
  const uint64 = (words: readonly number[]) => {
    const attributes = [type('T', binding.TF_INT32), type('type', UINT64)];
    return keep(binding.executeOp('Bitcast', attributes, [int32([words.length / 2, 2], words)], 1)[0].id);
  };
  const skip = offset % 4;
  const block = Math.floor(offset / 4);
  const size = tf.util.sizeFromShape([...shape]);
  try {
    const counter = uint64([block, Math.floor(block / 2 ** 32), ...stream].map((word) => word | 0));
    const attributes = [type('dtype', binding.TF_INT32), type('Tshape', binding.TF_INT32)];
    const [drawn] = binding.executeOp(
      'StatelessRandomUniformFullIntV2',
      attributes,
      [int32([1], [skip + size]), uint64(key), counter, int32([], [PHILOX])],
      1,
    );
    return tf.tidy(() => {
      const words = node.createOutputTensor(drawn);
      return tf.reshape(skip === 0 ? words : tf.slice(words, skip, size), [...shape]);
    });
  } finally {
    for (const id of made) binding.deleteTensor(id);
  }
}

const agreement = new WeakMap<NodeBackend, boolean>();

/** Whether this TensorFlow draws what `philoxBits` defines, tried once at an address where every word of it matters. */
function tensorFlowAgrees(node: NodeBackend): boolean {
  let agrees = agreement.get(node);
  if (agrees === undefined) {
    const address: PhiloxAddress = { key: [7, 256], stream: [5, 2], offset: 2 ** 35 + 3 };
    const expected = philoxBits(9, { seed: 2 ** 40 + 7, stream: 2 ** 33 + 5, offset: address.offset });
    try {
      const drawn = tf.tidy(() => tensorFlowBits(node, [9], address).dataSync());
      agrees = drawn.every((word, i) => word === expected[i]);
    } catch {
      // An older TensorFlow has no such operation.
      agrees = false;
    }
    agreement.set(node, agrees);
  }
  return agrees;
}
