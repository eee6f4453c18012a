import { escaped } from './sheet';

type MessageType = 'display_data' | 'update_display_data';

/** What Deno's kernel offers: messages of the Jupyter protocol to the notebook. */
interface Kernel {
  broadcast(type: MessageType, content: Readonly<Record<string, unknown>>): Promise<void>;
}

let displays = 0;

/**
 * A function for `onProgress` that shows in one place below the cell how far long work is: what it is given, and a bar
 * where that has `done` and `total`. In a notebook on Deno's kernel it sends `display_data` once and `update_display_data`
 * from then on. It takes any object of numbers and texts, the logs of an epoch too.
 *
 * @throws TypeError outside of such a notebook
 */
export function notebookProgress(title = ''): (progress: object) => void {
  const kernel = kernelHere();
  if (!kernel)
    throw new TypeError(
      "notebookProgress: there is no notebook on Deno's kernel here; pass a function of your own to onProgress",
    );
  const transient = { display_id: `qgen-progress-${Date.now()}-${displays++}` };
  let type: MessageType = 'display_data';
  let sent: Promise<void> = Promise.resolve();
  return (progress) => {
    const message = type;
    const content = { data: bundle(title, progress), metadata: {}, transient };
    type = 'update_display_data';
    // One after the other: an update must not overtake its display. Work goes on where the notebook was closed.
    sent = sent.then(() => kernel.broadcast(message, content)).catch(() => {});
  };
}

/** Outside of a kernel `Deno.jupyter` is missing, or throws when it is read. */
function kernelHere(): Kernel | null {
  try {
    const { Deno } = globalThis as { readonly Deno?: { readonly jupyter?: Kernel } };
    return typeof Deno?.jupyter?.broadcast === 'function' ? Deno.jupyter : null;
  } catch {
    return null;
  }
}

function bundle(title: string, progress: object): Readonly<Record<string, string>> {
  const { done, total, ...rest } = progress as Readonly<Record<string, unknown>>;
  const counted = typeof done === 'number' && typeof total === 'number' && total > 0;
  const facts = Object.entries(counted ? rest : progress).flatMap(([name, value]) => {
    const text = textOf(value);
    return text === null ? [] : [`${name} ${text}`];
  });
  const line = [...(title ? [title] : []), ...(counted ? [`${done} of ${total}`] : []), ...facts].join(', ');
  const bar = counted ? `<progress value="${done}" max="${total}"></progress> ` : '';
  return { 'text/plain': line, 'text/html': `<div>${bar}${escaped(line)}</div>` };
}

/** A number in four digits, a text as it is, an interval; null for what is not shown. */
function textOf(value: unknown): string | null {
  if (typeof value === 'number') return Number.isInteger(value) ? `${value}` : value.toPrecision(4);
  if (typeof value === 'string') return value;
  if (Array.isArray(value) && value.every((entry) => typeof entry === 'number'))
    return `[${value.map(textOf).join(', ')}]`;
  return null;
}
