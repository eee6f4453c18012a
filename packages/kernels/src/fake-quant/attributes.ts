/**
 * Which integers a fake quantization uses and which elements share a step size.
 *
 * `qn <= 0 <= qp` are the lowest and the highest code. `axis: null` (the default) gives the whole tensor one step; an
 * axis gives each of its slices a step of its own. `boundary` says whether an element exactly on a clipping edge counts
 * as inside ('inclusive', the gradient of a clamp) or as clipped ('strict', the paper's open interval, the default).
 */
export interface FakeQuantAttributes {
  readonly qn: number;
  readonly qp: number;
  readonly axis?: number | null;
  readonly boundary?: 'strict' | 'inclusive';
}

/** As the backward kernels take them. */
export type BackwardAttributes = FakeQuantAttributes & { readonly gradientScale: number };

/** The names of the kernels. */
export const FAKE_QUANT = 'QGenFakeQuant';
export const FAKE_QUANT_BACKWARD = 'QGenFakeQuantBackward';

/** The step size is kept away from zero: s_eff = max(|s|, 1e-8). */
export const SMALLEST_STEP = 1e-8;
