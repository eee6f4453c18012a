import type { Examples } from '@qgen/core';
import * as tf from '@tensorflow/tfjs-core';
import { type Displacement, displace } from '../../perturbation/displacement';
import { type EvaluateOptions, evaluate } from '../../subject/evaluate';
import { lossGradient } from '../../subject/gradient';
import type { OpenModel } from '../../subject/open-model';
import { occupancy, project } from './ball';

/** One iterate of an ascent, before the step that it leads to. */
export interface AscentStep {
  readonly step: number;
  readonly loss: number;
  readonly accuracy: number;
}

/** The worst that an ascent found within its box. */
export interface Ascent {
  /** Lowest accuracy of any iterate, the unperturbed one included. */
  readonly accuracy: number;
  readonly ascentSteps: readonly AscentStep[];
  /** max |u_i| / r_i at the end. */
  readonly occupancy: number;
  /** Examples that went through, a gradient counting as three forward passes. */
  readonly examplesEvaluated: number;
}

export interface AscentOptions extends EvaluateOptions {
  readonly radii: Displacement;
}

/**
 * Sign-gradient ascent (projected gradient descent of Madry et al. 2018, on weights): u_0 = 0,
 *
 *     u_{k+1} = clip(u_k + (2.5 r / K) sign(g(w + u_k)), -r, r),   k = 0 … K - 1
 *
 * g the gradient of the mean loss on all examples. Deterministic. The accuracy of iterate k is that of the
 * forward pass behind its gradient. The subject is left at its centre.
 *
 * @param enough the ascent ends as soon as an iterate's accuracy is this or less: a search that asks on which side of a
 * target the lowest accuracy lies gets the same answer
 */
export async function signAscent(
  subject: OpenModel,
  examples: Examples,
  { radii, enough, steps, ...options }: AscentOptions & { readonly steps: number; readonly enough: number },
  caller: string,
): Promise<Ascent> {
  return ascend(subject, radii, async (ascent) => {
    for (let step = 0; step < steps; step++) {
      const { gradients, loss, accuracy } = await lossGradient(subject, examples, options, caller);
      const lowest = ascent.note({ step, loss, accuracy }, 3 * examples.size);
      if (lowest > enough)
        ascent.move((u, i) => tf.add(u, tf.mul(signOf(gradients[i]), tf.mul(radii[i], 2.5 / steps))));
      tf.dispose([...gradients]);
      if (lowest <= enough) return;
    }
    const { loss, accuracy } = await evaluate(subject, examples, options, caller);
    ascent.note({ step: steps, loss, accuracy }, examples.size);
  });
}

/**
 * Plain stochastic gradient ascent in the box, the ascent of QGen: u <- clip(u + learningRate g, -r, r) with g the
 * gradient of the mean loss of a mini-batch. Accuracy on all examples is taken after every epoch, and all epochs are run:
 * the search that it belongs to asks how close the lowest accuracy comes to the target.
 */
export async function sgdAscent(
  subject: OpenModel,
  examples: Examples,
  {
    radii,
    epochs,
    ascentBatchSize,
    learningRate,
    deal,
    ...options
  }: AscentOptions & {
    readonly epochs: number;
    readonly ascentBatchSize: number;
    readonly learningRate: number;
    /** The next examples in a random order. */
    readonly deal: (count: number) => Int32Array;
  },
  caller: string,
): Promise<Ascent> {
  return ascend(subject, radii, async (ascent) => {
    for (let epoch = 1; epoch <= epochs; epoch++) {
      for (let seen = 0; seen < examples.size; seen += ascentBatchSize) {
        const indices = deal(Math.min(ascentBatchSize, examples.size - seen));
        const batch = { size: indices.length, batch: (of: Int32Array) => examples.batch(of.map((i) => indices[i])) };
        const { gradients } = await lossGradient(subject, batch, options, caller);
        ascent.move((u, i) => tf.add(u, tf.mul(gradients[i], learningRate)));
        tf.dispose([...gradients]);
      }
      const { loss, accuracy } = await evaluate(subject, examples, options, caller);
      ascent.note({ step: epoch, loss, accuracy }, 4 * examples.size);
    }
  });
}

/** The state of an ascent, from the origin of the box to the lowest accuracy seen. */
async function ascend(
  subject: OpenModel,
  radii: Displacement,
  run: (ascent: {
    /** Moves every parameter and projects on the box. */
    move(next: (u: tf.Tensor, index: number) => tf.Tensor): void;
    /** Records an iterate and returns the lowest accuracy so far. */
    note(step: AscentStep, cost: number): number;
  }) => Promise<void>,
): Promise<Ascent> {
  let u: tf.Tensor[] = subject.parameters.map(({ shape }) => tf.zeros([...shape]));
  const ascentSteps: AscentStep[] = [];
  let examplesEvaluated = 0;
  let accuracy = Number.POSITIVE_INFINITY;
  try {
    await run({
      move(next) {
        const moved = u.map((part, i) => tf.tidy(() => project(next(part, i), radii[i])));
        tf.dispose(u);
        u = moved;
        displace(subject, [u], [1]);
      },
      note(step, cost) {
        ascentSteps.push(step);
        examplesEvaluated += cost;
        accuracy = Math.min(accuracy, step.accuracy);
        return accuracy;
      },
    });
    return { accuracy, ascentSteps, occupancy: await occupancy(u, radii), examplesEvaluated };
  } finally {
    subject.recentre();
    tf.dispose(u);
  }
}

/** -1, 0 or 1. Not `tf.sign`, which on wasm is 0 for everything below 1e-7. */
function signOf(x: tf.Tensor): tf.Tensor {
  return tf.tidy(() => tf.sub(tf.cast(tf.greater(x, 0), 'float32'), tf.cast(tf.less(x, 0), 'float32')));
}
