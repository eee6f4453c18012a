import { readCosts } from '../folder/costs';
import type { Manifest } from '../folder/manifest';
import type { TrialResult } from '../folder/result';
import { type Claim, effectsText } from './claims';
import {
  coloursOf,
  distortionFigures,
  gapFigure,
  landscapeFigure,
  lossFigure,
  scaleFigures,
  stepFigure,
} from './figures';
import type { Sample } from './samples';
import { STYLE } from './style';
import { escaped, type Table, tableHtml } from './table';

export interface PageContent {
  readonly out: string;
  readonly manifest: Manifest;
  readonly results: readonly TrialResult[];
  readonly tables: readonly Table[];
  readonly claims: readonly Claim[];
  readonly notes: readonly string[];
  readonly samples: readonly Sample[];
}

/** The report as one HTML page that needs nothing beside itself. */
export function pageOf({ out, manifest, results, tables, claims, notes, samples }: PageContent): string {
  const { conditions, grid, source } = manifest;
  const { data, backend, threads, versions } = conditions;
  const table = (id: string) =>
    tables
      .filter((each) => each.id === id)
      .map(tableHtml)
      .join('');
  const figures = (title: string, content: string) => (content ? `<h2>${title}</h2>${content}` : '');
  const row = (content: string) => (content ? `<div class="row">${content}</div>` : '');
  const legend = [...coloursOf(results)].map(
    ([name, colour]) => `<span><i style="background:${colour}"></i>${name}</span>`,
  );
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>QGen study: ${escaped(grid)} on ${escaped(data.name)}</title><style>${STYLE}</style></head><body><main>
<h1>What quantization does to generalization</h1>
<p>Grid <b>${escaped(grid)}</b> on <b>${escaped(data.name)}</b>, ${data.train} training and ${data.test} test images${data.downsample > 1 ? ` (the network sees means of ${data.downsample}×${data.downsample} pixels)` : ''}: ${results.length} networks, each precision from the same initial weights and in the same data order. Weights are quantized with a learned step size; activations stay float. Where the settings come from: ${escaped(source)}.</p>
<p class="legend">${legend.join(' ')}</p>
<h2>What the paper claims, and what these numbers show</h2><ul class="claims">${claims.map(claimHtml).join('\n')}</ul>
<ul class="notes">${notes.map((note) => `<li>${escaped(note)}</li>`).join('')}</ul>
<h2>Gap and training</h2>${row(gapFigure(results) + lossFigure(results))}${table('gap')}
${figures('Flatness', row(scaleFigures(results)) + table('flatness') + table('flatness-consistent'))}
${figures('Loss landscapes', row(landscapeFigure(results)))}
${figures('Which measure predicts the gap', table('ranks'))}
<h2>Weights and steps</h2>${table('weights')}${row(stepFigure(results))}${table('steps')}
${figures('Distorted images', `${row(distortionFigures(results))}${table('distortions')}${pictures(samples)}`)}
<footer><small>Backend ${escaped(backend)}, ${threads} thread${threads > 1 ? 's' : ''} a process; ${Object.entries(
    versions,
  )
    .map(([name, version]) => `${name} ${version}`)
    .join(
      ', ',
    )}; ${costText(out)}. Every number is in merged.jsonl, report.json and tables/ beside this page.</small></footer>
</main></body></html>
`;
}

function claimHtml(claim: Claim): string {
  const { claim: text, verdict, effect } = claim;
  return `<li><b>${escaped(text)}</b> <span class="verdict ${verdict.replaceAll(' ', '-')}">${verdict}</span> ${escaped(effectsText(claim))}<br><small>${escaped(effect)}</small></li>`;
}

function pictures(samples: readonly Sample[]): string {
  if (samples.length === 0) return '';
  const severities = [...new Set(samples.map(({ severity }) => severity))];
  const head = severities.map((severity) => `<th>${severity === 0 ? 'clean' : `severity ${severity}`}</th>`);
  const rows = [...new Set(samples.map(({ name }) => name))].map((name) => {
    const own = samples.filter((sample) => sample.name === name);
    const images = own.map(
      ({ severity, source }) => `<td><img alt="${name}, severity ${severity}" src="${source}"></td>`,
    );
    return `<tr><th>${name}</th>${images.join('')}</tr>`;
  });
  return `<h3>The distortions</h3><div class="wide"><table class="samples"><thead><tr><th></th>${head.join('')}</tr></thead><tbody>${rows.join('\n')}</tbody></table></div>`;
}

/** What the trials took, by part. */
function costText(out: string): string {
  const costs = readCosts(out);
  const parts = new Map<string, number>();
  for (const { seconds } of costs)
    for (const [part, value] of Object.entries(seconds)) parts.set(part, (parts.get(part) ?? 0) + value);
  const total = [...parts.values()].reduce((sum, value) => sum + value, 0);
  const shares = [...parts].map(([part, value]) => `${part} ${((100 * value) / total).toFixed(0)} %`);
  const processor = costs.reduce((sum, { processorSeconds }) => sum + processorSeconds, 0);
  return `${costs.length} trials took ${(processor / 3600).toFixed(2)} h of processor time (${shares.join(', ')})`;
}
