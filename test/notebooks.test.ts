import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type Cell,
  execute,
  missingTool,
  type Notebook,
  removeProject,
  temporaryProject,
} from '../examples/notebooks/execute';

const folder = join(__ROOT__, 'examples/notebooks');
const files = readdirSync(folder).filter((file) => file.endsWith('.ipynb'));
const code = ({ cells }: Notebook): readonly Cell[] => cells.filter(({ cell_type }) => cell_type === 'code');
/** The kinds of the outputs of every code cell: a picture, a text, an error. */
const kinds = (notebook: Notebook) =>
  code(notebook).map(({ outputs = [] }) => [
    ...new Set(outputs.map(({ output_type, data }) => (data ? Object.keys(data).join() : output_type))),
  ]);

describe('the notebooks', () => {
  let missing: string | null;
  let project: string | undefined;
  beforeAll(async () => {
    missing = await missingTool();
    if (!missing) project = await temporaryProject();
  });
  afterAll(() => project && removeProject(project));

  it('are five', () => expect(files).toHaveLength(5));

  describe.each(files)('%s', (file) => {
    const text = readFileSync(join(folder, file), 'utf8');
    const notebook = JSON.parse(text) as Notebook;

    it('is committed with the outputs of one run from top to bottom, pictures included, in less than 300 kB', () => {
      expect(code(notebook).map(({ execution_count }) => execution_count)).toEqual(code(notebook).map((_, i) => i + 1));
      expect(kinds(notebook).filter((each) => each.length === 0)).toEqual([]);
      expect(kinds(notebook).flat()).toContain('image/svg+xml');
      expect(kinds(notebook).flat()).not.toContain('error');
      expect(text.length).toBeLessThan(300_000);
      expect(text).not.toMatch(/\/(home|root|tmp|Users)\//);
    });

    it('runs, and shows what its committed outputs show', async (ctx) => {
      if (missing) ctx.skip(missing);
      expect(kinds(await execute(notebook, project!))).toEqual(kinds(notebook));
    });
  });

  it('that fail in a cell are told with the error', async (ctx) => {
    if (missing) ctx.skip(missing);
    const cell = { id: 'a', cell_type: 'code', source: "throw new Error('as expected')", outputs: [] } as const;
    const metadata = { kernelspec: { name: 'deno', display_name: 'Deno', language: 'typescript' } };
    const failing = {
      cells: [{ ...cell, metadata: {}, execution_count: null }],
      metadata,
      nbformat: 4,
      nbformat_minor: 5,
    };
    await expect(execute(failing, project!)).rejects.toThrow('as expected');
  });
});
