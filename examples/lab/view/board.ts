/** Everything on the page that shows the networks, drawn from what is known of them. */
import { type Distorted, type Look, type LossPoint, PRECISIONS, type Sigma } from '../protocol';
import { gapChart, type Histories, lossChart } from './curves';
import { four } from './four';
import { showNumbers } from './numbers';
import { drawPicture } from './picture';
import { placeholder } from './placeholder';
import { precisionColor, precisionName } from './precision';
import { predicted, predictionChart } from './prediction-chart';
import { sigmaChart } from './sigma-chart';
import { sized } from './sized';
import { stepChart } from './step-chart';
import { type Landscape, surface } from './surface';
import { turning } from './turning';
import { weightChart, weightCharts } from './weight-chart';

const get = <E extends HTMLElement>(id: string) => document.getElementById(id) as E;

export interface Measured {
  readonly step: number;
  readonly sigmas: readonly Sigma[];
  /** The rows of each landscape so far, of `size`. */
  readonly rows: readonly (readonly (readonly number[])[])[];
  readonly size: number;
}

export interface Board {
  curves(histories: Histories): void;
  measured(measured: Measured | null): void;
  looks(kernels: readonly string[], looks: readonly Look[], distorted: Distorted): void;
}

export function board(): Board {
  for (const key of document.querySelectorAll('.key'))
    key.append(
      ...PRECISIONS.map((bits) => {
        const name = document.createElement('span');
        name.className = 'swatch';
        name.style.setProperty('--swatch', precisionColor(bits));
        name.textContent = bits === 32 ? '32 bits (float)' : precisionName(bits);
        return name;
      }),
    );
  for (const chart of document.querySelectorAll('.chart')) chart.append(placeholder('Starting …'));

  const loss = sized(get('loss'), lossChart);
  const gap = sized(get('gap'), gapChart);
  const sigma = sized(get('sigma'), sigmaChart);
  const steps = sized(get('steps'), stepChart);
  const landscapes = four(get('landscapes'), surface);
  const weights = four(get('weights'), weightChart);
  const predictions = four(get('predictions'), predictionChart);
  const rows = get<HTMLTableElement>('numbers').tBodies[0];
  showNumbers(rows, [], []);

  let points: (LossPoint | undefined)[] = [];
  let last: Measured | null = null;
  let camera = turning(get('landscapes'), { turn: get('turn'), tilt: get('tilt') }, (next) => {
    camera = next;
    showLandscapes();
  });
  function showLandscapes(): void {
    const known = last?.rows.flat(2).filter(Number.isFinite) ?? [];
    const top = Math.max(1e-6, ...known);
    get('top').textContent = known.length ? top.toPrecision(2) : '…';
    landscapes.show(
      PRECISIONS.map((bits, i): Landscape => ({ bits, rows: last?.rows[i] ?? [], size: last?.size ?? 0, top, camera })),
    );
  }

  return {
    curves(histories) {
      points = histories.map((history) => history[history.length - 1]);
      loss.show(histories);
      gap.show(histories);
      // σ of an earlier step is no property of these networks any more.
      showNumbers(rows, points, last?.step === points[0]?.step ? last!.sigmas : []);
    },
    measured(measured) {
      last = measured;
      sigma.show(measured?.sigmas ?? []);
      showNumbers(rows, points, measured?.sigmas ?? []);
      showLandscapes();
      get('sigma-state').textContent = measured?.sigmas.length ? `at step ${measured.step}` : '';
      const done = measured?.rows[0]?.length ?? 0;
      get('landscape-state').textContent = measured
        ? `at step ${measured.step}${done < measured.size ? `, ${done} of ${measured.size} rows` : ''}`
        : '';
    },
    looks(kernels, looks, { clean, corrupted, label }) {
      get('steps').style.minHeight = `${Math.max(230, 60 + 44 * kernels.length)}px`;
      steps.show({ kernels, looks });
      weights.show(weightCharts(looks.map((look) => look.weights)));
      drawPicture(get('clean'), clean);
      drawPicture(get('corrupted'), corrupted);
      get('truth').textContent = label === null ? 'clean' : `clean, a ${label}`;
      predictions.show(PRECISIONS.map((bits, i) => ({ bits, probabilities: looks[i].probabilities })));
      predictions.caption(
        looks.map(({ probabilities }) => {
          const digit = predicted(probabilities);
          const judgement = label === null ? '' : digit === label ? ', right' : ', wrong';
          return `: ${digit}${judgement}`;
        }),
      );
    },
  };
}
