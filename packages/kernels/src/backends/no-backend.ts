import * as tf from '@tensorflow/tfjs-core';

/** What `tf.engine()` calls when a tensor is made before any backend was chosen. Not in its type declarations. */
interface ChoosesBackend {
  initializeBackendsAndReturnBest?: { (): { name: string; asyncInit: boolean }; [named]?: true };
}

/** Set where a copy of this package has been before: the message is given once. */
const named = Symbol.for('qgen.no-backend');

/**
 * Says what to install where tfjs finds no backend for the first tensor. The error is thrown where tfjs throws its own,
 * and only that one is replaced: no backend is registered, and `tf.ready()` rejects as it does without this package.
 */
function nameMissingBackend(): void {
  const engine = tf.engine() as unknown as ChoosesBackend;
  const stock = engine.initializeBackendsAndReturnBest;
  if (!stock || stock[named]) return;
  const withAdvice = () => {
    try {
      return stock.call(engine);
    } catch (cause) {
      const there = tf.engine().backendNames();
      throw new Error(
        `qgen: tfjs has no backend to run on, ${there.length ? `${there.join(', ')} did not start` : 'none is registered'}; ` +
          "npm install @tensorflow/tfjs-backend-wasm (or -webgpu, or -cpu) and import '@tensorflow/tfjs-backend-wasm' before the first tensor is made",
        { cause },
      );
    }
  };
  withAdvice[named] = true as const;
  engine.initializeBackendsAndReturnBest = withAdvice;
}

nameMissingBackend();
