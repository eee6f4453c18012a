/**
 * A training step of transformer blocks (DeiT-T: 65 tokens of 192, three heads, MLP of four times the width, batch 8) on wasm
 * with layer normalization, GELU and the gradient of tile as tfjs has them, and as `registerKernels` puts them there, in turns
 * in one process: processor time, and the bytes that tensors hold after the forward pass.
 */
import '@tensorflow/tfjs-backend-wasm';
import { registerKernels } from '@qgen/kernels/register';
import * as tf from '@tensorflow/tfjs-core';
import * as tl from '@tensorflow/tfjs-layers';

const [BATCH, TOKENS, WIDTH, HEADS, BLOCKS, ROUNDS] = [8, 65, 192, 3, 2, 9];

type Methods = Record<string, (...args: never[]) => unknown>;
const prototypeOf = (className: string) =>
  tf.serialization.SerializationMap.getMap().classNameMap[className]![0].prototype as unknown as Methods;

const parts = { LayerNormalization: 'call', gelu: 'apply' } as const;
const current = () => ({
  tile: tf.getGradient('Tile'),
  methods: Object.entries(parts).map(([name, method]) => [name, method, prototypeOf(name)[method]!] as const),
});
function use({ tile, methods }: ReturnType<typeof current>): void {
  tf.unregisterGradient('Tile');
  tf.registerGradient(tile);
  for (const [name, method, body] of methods) prototypeOf(name)[method] = body;
}

const dense = (units: number, activation?: 'gelu') =>
  tl.layers.dense({ units, inputShape: [TOKENS, WIDTH], ...(activation && { activation: activation as 'relu' }) });

/** The layers of a block; attention itself is plain operations. */
const block = () => ({
  norm1: tl.layers.layerNormalization({ epsilon: 1e-6 }),
  qkv: [dense(WIDTH), dense(WIDTH), dense(WIDTH)],
  proj: dense(WIDTH),
  norm2: tl.layers.layerNormalization({ epsilon: 1e-6 }),
  fc1: dense(4 * WIDTH, 'gelu'),
  fc2: dense(WIDTH),
});

function forward(blocks: readonly ReturnType<typeof block>[], input: tf.Tensor): tf.Tensor {
  const split = (x: tf.Tensor) => tf.transpose(tf.reshape(x, [BATCH, TOKENS, HEADS, WIDTH / HEADS]), [0, 2, 1, 3]);
  const apply = (layer: tl.layers.Layer, x: tf.Tensor) => layer.apply(x) as tf.Tensor;
  let x = input;
  for (const { norm1, qkv, proj, norm2, fc1, fc2 } of blocks) {
    const normalized = apply(norm1, x);
    const [q, k, v] = qkv.map((layer) => split(apply(layer, normalized))) as [tf.Tensor, tf.Tensor, tf.Tensor];
    const weights = tf.softmax(tf.mul(tf.matMul(q, k, false, true), 1 / Math.sqrt(WIDTH / HEADS)));
    const mixed = tf.reshape(tf.transpose(tf.matMul(weights, v), [0, 2, 1, 3]), [BATCH, TOKENS, WIDTH]);
    x = tf.add(x, apply(proj, mixed));
    x = tf.add(x, apply(fc2, apply(fc1, apply(norm2, x))));
  }
  return x;
}

interface Storage {
  set(dataId: object, value: { readonly shape: number[] }): void;
  delete(dataId: object): boolean;
}

/** Counts the bytes of the data on the wasm heap; tf.memory() counts those of tensors, which may share data. */
function countBytes(): () => number {
  const { dataIdMap } = tf.backend() as unknown as { readonly dataIdMap: Storage };
  const sizes = new Map<object, number>();
  let total = 0;
  const { set, delete: remove } = dataIdMap;
  dataIdMap.set = (dataId, value) => {
    sizes.set(dataId, 4 * tf.util.sizeFromShape(value.shape));
    total += sizes.get(dataId)!;
    set.call(dataIdMap, dataId, value);
  };
  dataIdMap.delete = (dataId) => {
    total -= sizes.get(dataId) ?? 0;
    sizes.delete(dataId);
    return remove.call(dataIdMap, dataId);
  };
  return () => total;
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!;

export async function run() {
  await tf.setBackend('wasm');
  const bytes = countBytes();
  const stock = current();
  await registerKernels();
  const ours = current();
  const blocks = Array.from({ length: BLOCKS }, block);
  const input = tf.randomNormal([BATCH, TOKENS, WIDTH], 0, 1, 'float32', 1);
  forward(blocks, input).dispose();
  const variables = blocks.flatMap(({ qkv, ...layers }) =>
    [...qkv, ...Object.values(layers)].flatMap((layer) =>
      layer.trainableWeights.map((weight) => weight.read() as tf.Variable),
    ),
  );
  let mebibytes = 0;
  const step = () =>
    tf.tidy(() => {
      const before = bytes();
      tf.variableGrads(() => {
        const loss = tf.mean(tf.square(forward(blocks, input))) as tf.Scalar;
        mebibytes = (bytes() - before) / 2 ** 20;
        return loss;
      }, variables);
    });
  const times: Record<'stock' | 'ours' | 'forward', number[]> = { stock: [], ours: [], forward: [] };
  const held = { stock: 0, ours: 0 };
  for (let round = 0; round <= ROUNDS; round++)
    for (const which of ['stock', 'ours', 'forward'] as const) {
      use(which === 'stock' ? stock : ours);
      const before = process.cpuUsage();
      if (which === 'forward') forward(blocks, input).dispose();
      else step();
      const { user, system } = process.cpuUsage(before);
      if (which !== 'forward') held[which] = mebibytes;
      // The first round compiles and fills caches.
      if (round > 0) times[which].push((user + system) / 1000);
    }
  const milliseconds = Object.fromEntries(Object.entries(times).map(([which, values]) => [which, median(values)]));
  return {
    speedup: milliseconds.stock! / milliseconds.ours!,
    stepOverForward: milliseconds.ours! / milliseconds.forward!,
    milliseconds,
    mebibytes: held,
  };
}
