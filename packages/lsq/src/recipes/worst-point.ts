import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { KernelView } from '../layers/kernel-view';

/** Where `sharpnessAware` takes the gradient: at w + ε, ε along the gradient at w. */
export interface WorstPoint {
  readonly model: LayersModel;
  /** The length of ε. */
  readonly rho: number;
  /** The kernels whose ŵ is perturbed in place of their latent weights. */
  readonly views: readonly KernelView[];
  /** Parameters that are trained and not perturbed. */
  readonly kept: ReadonlySet<tf.Variable>;
  /** η in T = |w| + η of ASAM; null where T is 1 throughout, as in SAM. */
  readonly eta: number | null;
  /** Parameters of which T is 1 in ASAM as well. */
  readonly unscaled: ReadonlySet<tf.Variable>;
}

/** A variable that ε is added to: a parameter, or what a view adds to its ŵ. */
interface Moved {
  readonly variable: tf.Variable;
  readonly view?: KernelView;
}

/** Keeps ε finite where all gradients are 0. */
const SMALLEST = 1e-12;

/** The loss `f` at w, and its gradients with respect to `trained` at w + ε; w is put back. The caller disposes them. */
export function gradientsAtWorstPoint(
  f: () => tf.Scalar,
  trained: tf.Variable[],
  worst: WorstPoint,
): { cost: tf.Scalar; gradients: tf.NamedTensorMap } {
  const views = worst.views.filter(({ latent }) => trained.includes(latent));
  const latent = new Set<tf.Variable>(views.map((view) => view.latent));
  const own = trained.filter((variable) => !latent.has(variable) && !worst.kept.has(variable));
  const added = views.map((view): Moved => {
    const variable = tf.tidy(() => tf.variable(tf.zeros(view.shape)));
    view.perturbation = variable;
    return { variable, view };
  });
  const moved = [...own.map((variable): Moved => ({ variable })), ...added];
  const before = new Map<tf.Variable, tf.Tensor>();
  try {
    const first = tf.variableGrads(
      f,
      moved.map(({ variable }) => variable),
    );
    try {
      for (const variable of own) before.set(variable, tf.clone(variable));
      perturbAlong(first.grads, moved, worst);
      return { cost: first.value, gradients: secondPass(f, trained, worst.model) };
    } catch (error) {
      first.value.dispose();
      throw error;
    } finally {
      tf.dispose(first.grads);
    }
  } finally {
    for (const [variable, value] of before) variable.assign(value);
    tf.dispose([...before.values()]);
    for (const view of views) view.perturbation = null;
    tf.dispose(added.map(({ variable }) => variable));
  }
}

/** Adds ε to what is moved; a parameter that the loss does not depend on stays. */
function perturbAlong(gradients: tf.NamedTensorMap, moved: readonly Moved[], worst: WorstPoint): void {
  tf.tidy(() => {
    const directions = moved.flatMap(({ variable, view }) => {
      const gradient = gradients[variable.name];
      if (!gradient) return [];
      const t = scaleOf(variable, view, worst);
      return { variable, t, direction: t ? tf.mul(gradient, t) : gradient };
    });
    // Of many tensors addN makes no program on webgpu, which binds few at a time.
    const squares = directions.map(({ direction }) => tf.sum(tf.square(direction)));
    const factor = tf.div(worst.rho, tf.add(tf.sqrt(tf.sum(tf.stack(squares))), SMALLEST));
    for (const { variable, t, direction } of directions) {
      const epsilon = tf.mul(t ? tf.mul(direction, t) : direction, factor);
      variable.assign(tf.add(variable, epsilon));
    }
  });
}

/** T of a parameter, or of the ŵ that a view's perturbation is added to; null where it is 1. */
function scaleOf(variable: tf.Variable, view: KernelView | undefined, { eta, unscaled }: WorstPoint): tf.Tensor | null {
  if (eta === null || unscaled.has(variable)) return null;
  return tf.add(tf.abs(view ? view.dequantized() : variable), eta);
}

/** The gradients at what is stored now. Metrics and moving averages stay those of the first pass. */
function secondPass(f: () => tf.Scalar, trained: tf.Variable[], model: LayersModel): tf.NamedTensorMap {
  // A compiled model appends the value of every metric to what it returns, in each call of the function.
  const metrics = model.metricsTensors?.splice(0) ?? [];
  const others = model.weights
    .map((weight) => weight.read() as tf.Variable)
    .filter((variable) => !trained.includes(variable))
    .map((variable) => ({ variable, value: tf.clone(variable) }));
  try {
    const { value, grads } = tf.variableGrads(f, trained);
    value.dispose();
    return grads;
  } finally {
    model.metricsTensors?.push(...metrics);
    for (const { variable, value } of others) {
      variable.assign(value);
      value.dispose();
    }
  }
}
