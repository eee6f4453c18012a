/**
 * `npm run bench -- NAME [--json]` runs bench/NAME.ts and prints the figures that it returns; without a name it lists
 * what there is. Every benchmark compares two things in one process, so that its ratios survive a noisy machine.
 */
import { readdirSync } from 'node:fs';
import { parseArgs } from 'node:util';

export interface Benchmark {
  run(): Promise<Readonly<Record<string, unknown>>>;
}

const names = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith('.ts') && file !== 'bench.ts')
  .map((file) => file.slice(0, -3));

const { positionals, values } = parseArgs({ allowPositionals: true, options: { json: { type: 'boolean' } } });
const [name] = positionals;
if (name === undefined || !names.includes(name)) {
  console.error(
    `bench: ${name === undefined ? 'name a benchmark' : `no benchmark ${name}`}; there are ${names.join(', ')}`,
  );
  process.exit(2);
}
const { run } = (await import(`./${name}.ts`)) as Benchmark;
const figures = await run();
if (values.json) console.log(JSON.stringify(figures));
else console.table(figures);
process.exit(0);
