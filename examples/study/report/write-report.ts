import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError } from '../../shared/usage-error';
import { startBackend } from '../backend';
import { openData } from '../data/open-data';
import { type Manifest, type Paths, readStudy } from '../folder/manifest';
import { merged, readResults } from '../folder/results';
import { caveats } from './caveats';
import { claimsOf, effectsText } from './claims';
import { pageOf } from './page';
import { rankTable } from './ranks';
import { type Sample, samplesOf } from './samples';
import { tableCsv, tableText } from './table';
import { tablesOf } from './tables';

/** Merges the results and writes the report beside them; returns what a terminal shows of it. */
export async function writeReport(out: string): Promise<string> {
  const { manifest, paths } = readStudy(out);
  const results = readResults(out, manifest);
  write(join(out, 'merged.jsonl'), merged(results));
  const trained = results.filter(({ numbers }) => numbers);
  if (trained.length === 0) return 'No trial is finished yet, so there is no report.';
  const ranks = await rankTable(trained, manifest.conditions.data.test);
  const tables = [...tablesOf(trained), ...(ranks ? [ranks] : [])];
  const claims = claimsOf(trained);
  mkdirSync(join(out, 'tables'), { recursive: true });
  for (const table of tables) write(join(out, 'tables', `${table.id}.csv`), tableCsv(table));
  const notes = caveats(manifest, results);
  write(join(out, 'report.json'), `${JSON.stringify({ notes, claims, tables }, null, 1)}\n`);
  const page = join(out, 'report.html');
  const samples = await pictures(manifest, paths);
  write(page, pageOf({ out, manifest, results: trained, tables, claims, notes, samples }));
  return [
    ...tables.filter(({ id }) => id !== 'distortions').map(tableText),
    ...claims.map(
      (claim) => `${claim.claim}: ${claim.verdict.toUpperCase()}\n  ${effectsText(claim)}\n  (${claim.effect})`,
    ),
    ...notes,
    `Wrote ${page}, with report.json, tables/*.csv and merged.jsonl beside it`,
  ].join('\n\n');
}

/** The distortions as pictures; none where the images were distorted elsewhere, or the data are no longer there. */
async function pictures({ conditions }: Manifest, paths: Paths): Promise<readonly Sample[]> {
  const { data, measuring } = conditions;
  if (data.corrupted !== null || !measuring.parts.includes('corruptions')) return [];
  try {
    const { train, test, downsample, shape } = data;
    const opened = await openData({ ...paths, train, test, downsample, imageSize: shape[0] });
    await startBackend('wasm');
    return await samplesOf(opened, measuring);
  } catch (error) {
    if (error instanceof UsageError) return [];
    throw error;
  }
}

/** Replaces a file at once, so that nobody reads half of it. */
function write(path: string, content: string): void {
  writeFileSync(`${path}.tmp`, content);
  renameSync(`${path}.tmp`, path);
}
