import { notebookProgress } from '@qgen/core';
import { afterEach, describe, expect, it, vi } from 'vitest';

interface Message {
  readonly type: string;
  readonly content: {
    readonly data: Readonly<Record<string, string>>;
    readonly transient: { readonly display_id: string };
  };
}

/** A kernel that keeps what it is asked to send, the first message later than the others could be. */
function kernel(fails = false): Message[] {
  const sent: Message[] = [];
  const broadcast = async (type: string, content: Message['content']) => {
    await new Promise((resolve) => setTimeout(resolve, sent.length === 0 ? 20 : 0));
    sent.push({ type, content });
    if (fails) throw new Error('the notebook is closed');
  };
  vi.stubGlobal('Deno', { jupyter: { broadcast } });
  return sent;
}

describe('notebookProgress', () => {
  afterEach(() => void vi.unstubAllGlobals());

  it('displays once and then updates that display, in order', async () => {
    const sent = kernel();
    const report = notebookProgress('search');
    report({ phase: 'bracket', scale: 0.123456, estimate: null, draws: 8 });
    report({ phase: 'polish', scale: 0.2, ci95: [0.1, 0.3], draws: 16 });
    report({ done: 3, total: 4, model: '<b>' });
    await vi.waitFor(() => expect(sent).toHaveLength(3));
    expect(sent.map(({ type }) => type)).toEqual(['display_data', 'update_display_data', 'update_display_data']);
    expect(new Set(sent.map(({ content }) => content.transient.display_id)).size).toBe(1);
    expect(sent.map(({ content }) => content.data['text/plain'])).toEqual([
      'search, phase bracket, scale 0.1235, draws 8',
      'search, phase polish, scale 0.2000, ci95 [0.1000, 0.3000], draws 16',
      'search, 3 of 4, model <b>',
    ]);
    expect(sent[2]!.content.data['text/html']).toBe(
      '<div><progress value="3" max="4"></progress> search, 3 of 4, model &lt;b&gt;</div>',
    );
  });

  it('has a display of its own for every call', async () => {
    const sent = kernel();
    notebookProgress()({ draws: 1 });
    notebookProgress()({ draws: 1 });
    await vi.waitFor(() => expect(sent).toHaveLength(2));
    expect(sent.map(({ type }) => type)).toEqual(['display_data', 'display_data']);
    expect(sent[0]!.content.transient).not.toEqual(sent[1]!.content.transient);
  });

  it('lets work go on where the notebook was closed', async () => {
    const sent = kernel(true);
    const report = notebookProgress();
    report({ draws: 1 });
    report({ draws: 2 });
    await vi.waitFor(() => expect(sent).toHaveLength(2));
  });

  it('says that there is no notebook, where Deno or its kernel is missing or refuses', () => {
    const message = /^notebookProgress: there is no notebook on Deno's kernel here; pass a function of your own/;
    expect(() => notebookProgress()).toThrow(message);
    vi.stubGlobal('Deno', {});
    expect(() => notebookProgress()).toThrow(message);
    const refusing = Object.defineProperty({}, 'jupyter', {
      get: () => {
        throw new Error('not in a kernel');
      },
    });
    vi.stubGlobal('Deno', refusing);
    expect(() => notebookProgress()).toThrow(message);
  });
});
