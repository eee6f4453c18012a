import {
  heldLayers,
  leafLayers,
  requireBooleans,
  requireKnownOptions,
  requireNotNegative,
  requireOneOf,
  requirePositive,
  shown,
} from '@qgen/core';
import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel, LayerVariable } from '@tensorflow/tfjs-layers';
import { QUANTIZED, type QuantizedProtocol } from '../layers/protocol';
import { quantizedLayers } from '../model/quantized-weights';
import { requireModel } from '../model/require-model';
import { gradientsAtWorstPoint, type WorstPoint } from './worst-point';

export interface SharpnessAwareOptions {
  /** ρ, the length of the perturbation. Default 0.05; 0.5 with `adaptive`. */
  readonly rho?: number;
  /** Measures the perturbation relative to the parameters (ASAM). Default false. */
  readonly adaptive?: boolean;
  /** η of ASAM. Default 0.01. */
  readonly eta?: number;
  /** The part of a quantized kernel that is perturbed: its latent weights, which are then quantized again, or ŵ (SAQ). Default 'latent'. */
  readonly perturb?: 'latent' | 'quantized';
  /** Perturbs the steps and offsets of the quantizers too. Default false. */
  readonly steps?: boolean;
}

const NAME = 'sharpnessAware';

/** What `sharpnessAware` has returned: one inside the other would be one alone. */
const returned = new WeakSet<tf.Optimizer>();

/**
 * Makes an optimizer minimize the loss at the worst point near the parameters, which prefers flat minima. A step computes
 * the gradient twice, at the parameters w and at w + ε, and updates w with the second:
 *
 *     SAM   ε = ρ ∇ / (|∇| + 1e-12)             Foret et al., "Sharpness-Aware Minimization", ICLR 2021
 *     ASAM  ε = ρ T² ∇ / (|T ∇| + 1e-12)        Kwon et al., ICML 2021: `adaptive`
 *     SAQ   ε as in SAM of ŵ, ∇ taken at ŵ      Liu et al., "Sharpness-aware Quantization", 2021: `perturb: 'quantized'`
 *
 * The norm is over all that is perturbed together: everything trained but steps and offsets, unless `steps` adds them. T
 * is |w| + η, and 1 on biases, betas, steps and offsets, as the authors of ASAM have it; with `eta: 0` it is |w|
 * everywhere. Under 'latent' the kernel w + ε is quantized again, so that an ε that moves no code changes nothing; under
 * 'quantized' pass 2 computes with ŵ + ε, and its gradient goes through the quantizer at w.
 *
 * The result is the given optimizer with another `minimize`: its settings, its state and what a model is saved with are
 * the given one's. It is for `model`: `compile` that one with it, or pass it the variables of that one in a loop of your
 * own. The loss and the metrics that training reports are those of w, and moving averages move by pass 1 alone. Whatever
 * throws on the way, the parameters are put back exactly. Dropout draws another mask in pass 2. A step takes the time of
 * two, and the memory of one copy of what is perturbed, under 'quantized' of the kernels once more.
 *
 * `categoricalCrossentropy` on probabilities has no gradient below 1e-7; a large ρ gets there, a loss on logits does not.
 *
 * @throws RangeError if the model is stateful (its state would advance twice), has no quantized kernel to perturb under
 * 'quantized', a number doesn't fit, or an option is unknown
 * @throws TypeError if `model` is no LayersModel or `optimizer` none
 */
export function sharpnessAware<Base extends tf.Optimizer>(
  model: LayersModel,
  optimizer: Base,
  options: SharpnessAwareOptions = {},
): Base {
  requireModel(NAME, model);
  const worst = worstPoint(model, options);
  requireOptimizer(optimizer);
  requireStateless(model);

  const minimize = (f: () => tf.Scalar, returnCost = false, variables?: tf.Variable[]): tf.Scalar | null => {
    const trained = (variables ?? Object.values(tf.engine().registeredVariables)).filter(({ trainable }) => trainable);
    const { cost, gradients } = gradientsAtWorstPoint(f, trained, worst);
    optimizer.applyGradients(
      variables ? variables.map((variable) => ({ name: variable.name, tensor: gradients[variable.name] })) : gradients,
    );
    tf.dispose(gradients);
    if (returnCost) return cost;
    cost.dispose();
    return null;
  };

  const result = new Proxy(optimizer, {
    get: (base, key) => (key === 'minimize' ? minimize : Reflect.get(base, key)),
  });
  returned.add(result);
  return result;
}

/** The worst point that the options ask for. */
function worstPoint(model: LayersModel, options: SharpnessAwareOptions): WorstPoint {
  requireKnownOptions(NAME, options, ['rho', 'adaptive', 'eta', 'perturb', 'steps']);
  const { adaptive = false, perturb = 'latent', steps = false } = options;
  const { rho = adaptive ? 0.5 : 0.05, eta = 0.01 } = options;
  requireBooleans(NAME, { adaptive, steps });
  requirePositive(NAME, { rho });
  requireNotNegative(NAME, { eta });
  requireOneOf(NAME, 'perturb', perturb, ['latent', 'quantized']);
  if (options.eta !== undefined && !adaptive)
    throw new RangeError(`${NAME}: eta belongs to adaptive: true; leave it out or set that`);
  const views = perturb === 'quantized' ? quantizedLayers(model).flatMap(({ layer }) => layer.views) : [];
  if (perturb === 'quantized' && views.length === 0)
    throw new RangeError(
      `${NAME}: perturb: 'quantized' needs quantized kernels, and the model has none; pass it to quantizeModel first`,
    );
  const learnedSteps = leafLayers(model).flatMap(({ layer }) => protocolOf(layer)?.steps ?? []);
  return {
    model,
    rho,
    views,
    kept: new Set(steps ? [] : learnedSteps),
    eta: adaptive ? eta : null,
    unscaled: new Set(eta > 0 ? [...learnedSteps, ...shifts(model)] : []),
  };
}

function protocolOf(layer: unknown): QuantizedProtocol | undefined {
  return (layer as { readonly [QUANTIZED]?: QuantizedProtocol })[QUANTIZED];
}

/** The biases and betas of a model. */
function shifts(model: LayersModel): tf.Variable[] {
  return model.weights
    .filter(({ originalName }) => /(^|[/_])(bias|beta)(_\d+)?$/.test(originalName))
    .map((weight: LayerVariable) => weight.read() as tf.Variable);
}

function requireOptimizer(optimizer: unknown): void {
  if (typeof optimizer !== 'object' || optimizer === null || !(optimizer instanceof tf.Optimizer))
    throw new TypeError(`${NAME}: optimizer must be a tf.Optimizer, as tf.train.adam(1e-3), got ${shown(optimizer)}`);
  if (returned.has(optimizer))
    throw new TypeError(`${NAME}: the optimizer is sharpness-aware already; give it the one that it was made from`);
}

function requireStateless(model: LayersModel): void {
  for (const { layer, path } of leafLayers(model))
    if (heldLayers(layer).some((held) => (held as { readonly stateful?: boolean }).stateful))
      throw new RangeError(
        `${NAME}: layer ${path} is stateful, and two passes a step would advance its state twice; make it with stateful: false`,
      );
}
