import type { TrialResult } from '../folder/result';
import { precisionName } from '../plan/setting';
import { differencesOf, type PairedDifference, type Quantity, withInterval } from './pairing';
import { DISTORTED_GAP, GAP, lnScale } from './quantities';

/** A claim of the paper held against the trainings: effect, interval and n of each precision, and what they show. */
export interface Claim {
  readonly claim: string;
  /** What the effect is, and which sign the claim expects. */
  readonly effect: string;
  readonly verdict: 'shown' | 'shown in part' | 'not shown' | 'mixed' | 'contradicted';
  readonly differences: readonly PairedDifference[];
}

interface Expectation {
  readonly claim: string;
  readonly effect: string;
  readonly quantity: Quantity;
  readonly sign: -1 | 1;
}

const EXPECTATIONS: readonly Expectation[] = [
  {
    claim: 'Quantization narrows the generalization gap',
    effect: 'gap − gap of float, in nats; the claim expects less than 0',
    quantity: GAP.of,
    sign: -1,
  },
  {
    claim: 'Quantized networks lie in flatter minima (larger σ)',
    effect: 'ln σ − ln σ of float; the claim expects more than 0',
    quantity: lnScale('sigma', 'flatness'),
    sign: 1,
  },
  {
    claim: 'They do so relative to the size of their weights too (larger σ′)',
    effect: 'ln σ′ − ln σ′ of float; the claim expects more than 0',
    quantity: lnScale('sigmaMagnitude', 'flatness'),
    sign: 1,
  },
  {
    claim: 'Their latent weights, quantized again under the noise, lie in flatter minima (larger σ of the latent view)',
    effect: 'ln σ of the latent weights − ln σ of float; the claim expects more than 0',
    quantity: lnScale('sigma', 'latent'),
    sign: 1,
  },
  {
    claim: 'So do the latent weights relative to their size (larger σ′ of the latent view)',
    effect: 'ln σ′ of the latent weights − ln σ′ of float; the claim expects more than 0',
    quantity: lnScale('sigmaMagnitude', 'latent'),
    sign: 1,
  },
  {
    claim: 'They are flatter in the worst direction, relative to the size of their weights (larger α′)',
    effect: 'ln α′ − ln α′ of float; the claim expects more than 0',
    quantity: lnScale('alphaMagnitude', 'flatness'),
    sign: 1,
  },
  {
    claim: 'The gap stays narrower on distorted images',
    effect: 'mean gap over the distortions − that of float, in nats; the claim expects less than 0',
    quantity: DISTORTED_GAP.of,
    sign: -1,
  },
];

export function claimsOf(results: readonly TrialResult[]): readonly Claim[] {
  return EXPECTATIONS.flatMap(({ claim, effect, quantity, sign }) => {
    const differences = differencesOf(results, quantity).filter(({ n }) => n > 0);
    if (differences.length === 0) return [];
    return [
      { claim, effect, differences, verdict: verdictOf(differences.map((difference) => difference.sign * sign)) },
    ];
  });
}

function verdictOf(signs: readonly number[]): Claim['verdict'] {
  const [agree, oppose] = [signs.some((sign) => sign > 0), signs.some((sign) => sign < 0)];
  if (agree && oppose) return 'mixed';
  if (agree) return signs.every((sign) => sign > 0) ? 'shown' : 'shown in part';
  return oppose ? 'contradicted' : 'not shown';
}

/** `Int8 −0.012 ± 0.034 (n = 3)` for each precision. */
export function effectsText({ differences }: Claim): string {
  return differences
    .map((difference) => `${precisionName(difference.bits)} ${withInterval(difference)} (n = ${difference.n})`)
    .join(', ');
}
