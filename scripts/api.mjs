#!/usr/bin/env node
// The public API of every package as docs/api-reports/NAME.api.md: `npm run api` compares, `npm run api -- --update` writes.
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Extractor, ExtractorConfig } from '@microsoft/api-extractor';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const update = process.argv.includes('--update');
/** Every entry of every package, as PACKAGE or PACKAGE/ENTRY. */
const names = [
  'core',
  'core/plot',
  'kernels',
  'kernels/random',
  'kernels/register',
  'lsq',
  'lsq/onnx',
  'lsq/plots',
  'measures',
  'measures/plots',
  'corruptions',
  'corruptions/plots',
  'models',
];
const reports = join(root, 'docs/api-reports');
const current = join(root, 'node_modules/.cache/api-reports');
mkdirSync(reports, { recursive: true });

/** Whether the report of the entry is the committed one (or now is), with every finding printed. */
function check(name) {
  const [directory, entry = 'index'] = name.split('/');
  const folder = join(root, 'packages', directory);
  const report = name.replace('/', '-');
  const config = ExtractorConfig.prepare({
    configObjectFullPath: undefined,
    packageJsonFullPath: join(folder, 'package.json'),
    configObject: {
      projectFolder: folder,
      mainEntryPointFilePath: join(folder, `dist/${entry}.d.ts`),
      newlineKind: 'lf',
      apiReport: { enabled: true, reportFileName: report, reportFolder: reports, reportTempFolder: current },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      compiler: {
        skipLibCheck: true,
        overrideTsconfig: {
          compilerOptions: {
            ...{ target: 'ES2022', lib: ['ES2023', 'DOM'], module: 'ESNext', moduleResolution: 'bundler' },
            ...{ strict: true, skipLibCheck: true, types: [] },
          },
          files: [join(folder, `dist/${entry}.d.ts`)],
        },
      },
      messages: {
        extractorMessageReporting: {
          default: { logLevel: 'warning', addToApiReportFile: false },
          // A type that the API mentions and doesn't export: to be seen in the review of the report.
          'ae-forgotten-export': { logLevel: 'warning', addToApiReportFile: true },
          'ae-missing-release-tag': { logLevel: 'none' },
          'ae-undocumented': { logLevel: 'none' },
          'ae-unresolved-link': { logLevel: 'none' },
        },
        tsdocMessageReporting: { default: { logLevel: 'none' } },
      },
    },
  });
  const findings = [];
  const { apiReportChanged } = Extractor.invoke(config, {
    localBuild: update,
    messageCallback: (message) => {
      message.handled = true;
      if (message.category === 'Extractor' && message.logLevel === 'warning') findings.push(message.text);
    },
  });
  for (const finding of findings) console.error(`api: ${name}: ${finding}`);
  if (apiReportChanged && !update)
    console.error(
      `api: the public API of @qgen/${name} is not the one in docs/api-reports/${report}.api.md (now: ${join(
        current,
        `${report}.api.md`,
      )}); look at the change, then npm run api -- --update`,
    );
  return findings.length === 0 && (update || !apiReportChanged);
}

const good = names.map(check).every(Boolean);
if (!good) process.exit(1);
console.log(update ? 'api: reports written' : 'api: every entry has the API of its report');
