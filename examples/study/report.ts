import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import { findings } from './findings';
import type { Trial } from './results';
import { PAC_BAYES } from './results';
import { COLUMNS, ONE_SEED, legend as tableLegend } from './table';

/** One distorted example for the picture grid; `source` is a data URI. */
export interface Sample {
  readonly name: string;
  readonly severity: number;
  readonly source: string;
}

const { document } = parseHTML('<!doctype html><html><body></body></html>');

const label = (bits: number) => (bits === 32 ? 'FP32' : `Int${bits}`);
const COLOURS: Readonly<Record<string, string>> = {
  FP32: '#4c566a',
  Int8: '#0072b2',
  Int4: '#009e73',
  Int2: '#d55e00',
};
const FURTHER = ['#cc79a7', '#56b4e9', '#e69f00', '#8c6bb1', '#a6761d'];

/** results as one HTML page that needs nothing beside itself: table, findings, plots and distorted samples. */
export function report(trials: readonly Trial[], samples: readonly Sample[]): string {
  const ordered = [...trials].sort((a, b) => b.bits - a.bits);
  const names = ordered.map(({ bits }) => label(bits));
  const further = names.filter((name) => !COLOURS[name]);
  const colour = {
    domain: names,
    range: names.map((name) => COLOURS[name] ?? FURTHER[further.indexOf(name) % FURTHER.length]),
    legend: true,
  };
  const x = { domain: names, label: 'precision' };
  const { configuration, dataset, versions, backend } = ordered[0];

  const gap = plot({
    title: 'Generalization gap against precision',
    caption: 'Test loss − training loss; smaller is better. Bars: one standard error.',
    width: 510,
    height: 320,
    x,
    y: { label: 'gap', grid: true, zero: true, nice: true },
    color: { ...colour, legend: false },
    marks: [
      Plot.ruleY([0]),
      Plot.ruleX(ordered, {
        x: named,
        y1: ({ gap }) => gap.loss - gap.standardError,
        y2: ({ gap }) => gap.loss + gap.standardError,
        stroke: named,
        strokeWidth: 2,
      }),
      Plot.dot(ordered, { x: named, y: ({ gap }) => gap.loss, fill: named, r: 6 }),
      Plot.text(ordered, { x: named, y: ({ gap }) => gap.loss, text: ({ gap }) => gap.loss.toFixed(3), dx: 26 }),
    ],
  });

  const losses = plot({
    title: 'Training loss by epoch',
    caption: 'Mean cross-entropy over the training set in inference mode; the weights of the lowest point are kept.',
    width: 510,
    height: 320,
    x: { label: 'epoch' },
    y: { label: 'training loss', grid: true, type: 'log', tickFormat: '~g' },
    color: colour,
    marks: [
      Plot.lineY(
        ordered.flatMap((trial) =>
          trial.history.trainLoss.map((loss, i) => ({ name: named(trial), epoch: i + 1, loss: Math.max(loss, 1e-6) })),
        ),
        { x: 'epoch', y: 'loss', stroke: 'name', strokeWidth: 2 },
      ),
    ],
  });

  const steps = ordered.flatMap((trial) =>
    trial.stepSizes.map(({ layer, step }) => ({ name: named(trial), layer, step })),
  );
  const stepSizes = steps.length
    ? plot({
        title: 'Learned step size per layer and precision',
        caption:
          'The bin width s of each quantized kernel after training, as in the first figure of the paper (logarithmic).',
        width: 1030,
        height: 340,
        marginBottom: 40,
        marginLeft: 50,
        x: { label: 'layer', domain: [...new Set(steps.map(({ layer }) => layer))] },
        y: { label: 'step size', type: 'log', grid: true, tickFormat: '~g', ticks: 6 },
        color: {
          ...colour,
          domain: names.filter((name) => name !== 'FP32'),
          range: colour.range.filter((_, i) => names[i] !== 'FP32'),
        },
        marks: [
          Plot.lineY(steps, { x: 'layer', y: 'step', stroke: 'name', strokeWidth: 1.5, z: 'name' }),
          Plot.dot(steps, { x: 'layer', y: 'step', fill: 'name', r: 4 }),
        ],
      })
    : '<p>No quantized network in this study, hence no step sizes.</p>';

  const scales = ordered.flatMap((trial) =>
    (['sigma', 'sigmaMagnitude'] as const).map((key) => ({
      name: named(trial),
      key: key === 'sigma' ? 'σ' : 'σ′ (magnitude-aware)',
      ...trial[key],
    })),
  );
  const scalePlots = ['σ', 'σ′ (magnitude-aware)'].map((key) =>
    plot({
      title: `${key} against precision`,
      caption: 'The noise that costs 10 points of training accuracy; larger is flatter. Bars: 95 % interval.',
      width: 510,
      height: 280,
      x,
      y: { label: key, grid: true, zero: true, nice: true },
      color: { ...colour, legend: false },
      marks: [
        Plot.ruleY([0]),
        Plot.ruleX(
          scales.filter((scale) => scale.key === key && scale.interval),
          { x: 'name', y1: (d) => d.interval[0], y2: (d) => d.interval[1], stroke: 'name', strokeWidth: 2 },
        ),
        Plot.dot(
          scales.filter((scale) => scale.key === key && scale.value !== null),
          { x: 'name', y: 'value', fill: 'name', r: 6 },
        ),
      ],
    }),
  );
  const measurePlots = PAC_BAYES.map((id) =>
    plot({
      title: id,
      caption: 'Smaller is flatter.',
      width: 248,
      height: 220,
      marginLeft: 48,
      x: { ...x, label: null },
      y: { label: '√(μ/m)', grid: true, zero: true, nice: true },
      color: { ...colour, legend: false },
      marks: [
        Plot.ruleY([0]),
        Plot.barY(
          ordered.filter(({ measures }) => measures[id].normalized !== null),
          { x: named, y: ({ measures }) => measures[id].normalized, fill: named, inset: 4 },
        ),
      ],
    }),
  );

  const corrupted = ordered.flatMap((trial) => trial.corruptions.map((cell) => ({ ...cell, model: named(trial) })));
  const corruptionPlots = [...new Set(corrupted.map(({ name }) => name))].map((name) =>
    plot({
      title: name,
      width: 335,
      height: 230,
      x: { label: 'severity', ticks: [1, 3, 5], tickFormat: 'd' },
      y: { label: 'gap', grid: true, nice: true },
      color: { ...colour, legend: false },
      marks: [
        Plot.ruleY([0], { strokeOpacity: 0.4 }),
        Plot.lineY(
          corrupted.filter((cell) => cell.name === name),
          { x: 'severity', y: 'gap', stroke: 'model', strokeWidth: 2, marker: 'dot' },
        ),
      ],
    }),
  );

  const claims = findings(ordered).map(
    ({ claim, verdict, where, evidence }) =>
      `<li><b>${claim}</b> <span class="verdict ${verdict.replaceAll(' ', '-')}">${verdict}</span> ${where}<br><small>${evidence}</small></li>`,
  );
  const legend = names.map((name, i) => `<span><i style="background:${colour.range[i]}"></i>${name}</span>`).join(' ');
  const severities = [...new Set(samples.map(({ severity }) => severity))];
  const sampleRows = [...new Set(samples.map(({ name }) => name))].map(
    (name) =>
      `<tr><th>${name}</th>${severities
        .map(
          (severity) =>
            `<td>${samples
              .filter((s) => s.name === name && s.severity === severity)
              .map(({ source }) => `<img alt="${name}, severity ${severity}" src="${source}">`)
              .join('')}</td>`,
        )
        .join('')}</tr>`,
  );

  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>QGen study: ${dataset.name}, seed ${configuration.seed}</title><style>${STYLE}</style></head><body><main>
<h1>What quantization does to generalization</h1>
<p>One Network-in-Network (width ${configuration.width}, depth ${configuration.depth}) on <b>${dataset.name}</b>, ${dataset.train} training and ${dataset.test} test images, trained ${configuration.epochs} epochs at ${names.join(', ')} from the same initial weights and in the same data order (seed ${configuration.seed}). Weights are quantized with a learned step size; activations stay float.</p>
<div class="wide"><table><thead><tr>${COLUMNS.map(({ title }) => `<th>${title}</th>`).join('')}</tr></thead>
<tbody>${ordered.map((trial) => `<tr>${COLUMNS.map(({ cell }) => `<td>${cell(trial)}</td>`).join('')}</tr>`).join('\n')}</tbody></table></div>
<p><small>${tableLegend(ordered)}</small></p>
<h2>What the paper claims, and what these numbers say</h2><ul class="claims">${claims.join('\n')}</ul><p><small>${ONE_SEED}</small></p>
<h2>Gap and training</h2><div class="row">${gap}${losses}</div>
<h2>Step sizes</h2><div class="row">${stepSizes}</div>
<h2>Flatness against precision</h2><div class="row">${scalePlots.join('')}</div><div class="row">${measurePlots.join('')}</div>
<h2>Gap on distorted images</h2><p>Loss on ${dataset.distorted} distorted test images − clean training loss; smaller is better. <span class="legend">${legend}</span></p>
<div class="row">${corruptionPlots.join('')}</div>
<h2>The distortions</h2><table class="samples"><thead><tr><th></th>${severities.map((s) => `<th>${s === 0 ? 'clean' : `severity ${s}`}</th>`).join('')}</tr></thead><tbody>${sampleRows.join('\n')}</tbody></table>
<footer><small>Backend ${backend}; ${Object.entries(versions)
    .map(([name, version]) => `${name} ${version}`)
    .join(', ')}. Every number is in results.jsonl beside this page.</small></footer>
</main></body></html>
`;
}

function named(trial: Trial): string {
  return label(trial.bits);
}

function plot(options: Plot.PlotOptions): string {
  const figure = Plot.plot({ document: document as unknown as Document, ...options });
  return `<div style="width:${options.width}px;max-width:100%">${figure.outerHTML}</div>`;
}

const STYLE = `
:root{color-scheme:light}
body{font:16px/1.5 system-ui,sans-serif;color:#222;background:#fff;margin:0}
main{max-width:1080px;margin:0 auto;padding:24px}
h1{font-size:1.9em;margin:.2em 0}h2{margin:1.8em 0 .4em;font-size:1.3em;border-bottom:1px solid #ddd}
.wide{overflow-x:auto}table{border-collapse:collapse;font-size:.76em}th,td{padding:.35em .55em;text-align:right;white-space:nowrap;border-bottom:1px solid #e5e5e5}
thead th{border-bottom:2px solid #999}.row{display:flex;flex-wrap:wrap;gap:12px;align-items:flex-start}
figure{margin:0}figure h2{font-size:.95em;border:0;margin:.4em 0 0}figcaption{font-size:.78em;color:#555}
.claims li{margin:.6em 0}.verdict{font-size:.78em;padding:.1em .6em;border-radius:1em;color:#fff;margin-left:.4em}
.shown,.shown-in-part{background:#1b7f4d}.not-shown{background:#777}.mixed{background:#8a6d00}.contradicted{background:#b3400e}
.samples td,.samples th{text-align:center;border:0}.samples th:first-child{text-align:right}
.samples img{width:64px;height:64px;image-rendering:pixelated;margin:1px}
.legend span{margin-right:.8em}.legend i{display:inline-block;width:.8em;height:.8em;border-radius:50%;margin-right:.3em}
footer{margin-top:2em;color:#666}`;
