/** `npm run example NAME` runs the numbered example of that name; without a name it lists them. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

const folder = join(import.meta.dirname, '..');
const files = readdirSync(folder).filter((file) => /^\d\d-.*\.ts$/.test(file));
const nameOf = (file: string) => file.slice(3, -3);
const [name] = process.argv.splice(2, 1);
const file = files.find((each) => nameOf(each) === name || each.startsWith(`${name}-`) || each.slice(0, -3) === name);

if (file) {
  await import(`../${file}`);
} else {
  console.error(`example: ${name === undefined ? 'name an example' : `no example ${name}`}; there are`);
  for (const each of files) console.error(`  ${nameOf(each)}`);
  process.exitCode = 2;
}
