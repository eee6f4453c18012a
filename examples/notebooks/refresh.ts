/** `npm run notebooks [NAME …]` executes the notebooks (all of them, if none is named) and writes their outputs back. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execute, missingTool, type Notebook, removeProject, temporaryProject } from './execute';

const missing = await missingTool();
if (missing) {
  console.error(`notebooks: ${missing}`);
  process.exit(2);
}
const names = process.argv.slice(2);
const all = readdirSync(import.meta.dirname).filter((file) => file.endsWith('.ipynb'));
const project = await temporaryProject();
try {
  for (const file of all.filter((each) => !names.length || names.some((name) => each.includes(name)))) {
    const path = join(import.meta.dirname, file);
    const executed = await execute(JSON.parse(readFileSync(path, 'utf8')) as Notebook, project);
    const text = `${JSON.stringify(executed, null, 1)}\n`;
    writeFileSync(path, text);
    console.log(`${file}: ${Math.round(text.length / 1024)} kB`);
  }
} finally {
  removeProject(project);
}
