#!/usr/bin/env node
// Publishes every package whose version npm doesn't have yet, with provenance. Runs in .github/workflows/release.yml only.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const { GITHUB_REPOSITORY, ACTIONS_ID_TOKEN_REQUEST_URL } = process.env;
if (!GITHUB_REPOSITORY || !ACTIONS_ID_TOKEN_REQUEST_URL) {
  console.error(
    'release: provenance needs the identity that GitHub Actions gives a job with id-token: write; start the release workflow',
  );
  process.exit(2);
}

const npm = (folder, ...args) =>
  spawnSync('npm', args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });

// What others depend on comes first.
for (const name of ['core', 'kernels', 'lsq', 'measures', 'corruptions', 'models']) {
  const folder = join(root, 'packages', name);
  const { name: full, version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  if (npm(folder, 'view', `${full}@${version}`, 'version').stdout.trim() === version) {
    console.log(`release: ${full}@${version} is out already`);
    continue;
  }
  // The provenance names the repository that built the package, and npm wants the manifest to name the same.
  const repository = [
    `repository.url=git+https://github.com/${GITHUB_REPOSITORY}.git`,
    `repository.directory=packages/${name}`,
  ];
  for (const args of [
    ['pkg', 'set', 'repository.type=git', ...repository],
    ['publish', '--provenance', '--access', 'public'],
  ]) {
    const { status, stdout } = npm(folder, ...args);
    process.stdout.write(stdout);
    if (status !== 0) process.exit(status ?? 1);
  }
}

// The action makes a GitHub release of every tag that this prints.
const changeset = join(root, 'node_modules/@changesets/cli/bin.js');
process.exit(spawnSync(process.execPath, [changeset, 'tag'], { cwd: root, stdio: 'inherit' }).status ?? 1);
