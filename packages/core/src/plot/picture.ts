import * as Plot from '@observablehq/plot';
import { requireKnownOptions } from '../options/require-known-options';
import { requirePositive } from '../options/require-numbers';
import { shown } from '../options/shown';
import { SvgDocument } from './svg-document';

/** What every function that draws a picture takes. */
export interface PictureOptions {
  /** Pixels. */
  readonly width?: number;
  readonly height?: number;
  /** Above the picture, and its name for a screen reader. */
  readonly title?: string;
}

const OPTIONS = ['width', 'height', 'title'] as const satisfies readonly (keyof PictureOptions)[];

/** A picture: the marks of Observable Plot, and the words around them. */
export interface Picture extends PictureOptions {
  readonly title: string;
  readonly width: number;
  readonly height: number;
  /** What is drawn: none of it, and the picture says `nothing` in its place. */
  readonly plot: Plot.PlotOptions;
  /** Why there is nothing to draw. */
  readonly nothing?: string;
  /** Names in the order of their colours; a legend, unless it is one without a name. */
  readonly names?: readonly string[];
  /** Lines below the picture. */
  readonly notes?: readonly string[];
}

/** Colours that colour-blind readers tell apart (Okabe and Ito 2008), in the order of the models. */
const COLOURS = ['#4c566a', '#0072b2', '#009e73', '#d55e00', '#cc79a7', '#56b4e9', '#e69f00', '#8c6bb1'] as const;
/** A legend's width for a letter of 11 pixels, and the height of a line. */
const LETTER = 6.6;
const LINE = 17;
/** Where the label of the horizontal axis stands below it. */
const LABEL = 34;

/** @throws RangeError or TypeError for an option that is unknown or out of range */
export function requirePictureOptions(caller: string, options: PictureOptions, own: readonly string[] = []): void {
  requireKnownOptions(caller, options, [...OPTIONS, ...own]);
  const { width = 1, height = 1, title } = options;
  requirePositive(caller, { width, height });
  if (title !== undefined && typeof title !== 'string')
    throw new TypeError(`${caller}: title must be a text, got ${shown(title)}`);
}

/**
 * What is to be drawn by name: `given` itself under the name '' where it is one thing, or the things of an object.
 *
 * @throws TypeError unless all of them are of the kind that `isOne` knows and `what` names
 */
export function byName<T extends object>(
  caller: string,
  what: string,
  given: T | Readonly<Record<string, T>>,
  isOne: (value: object) => boolean,
): [name: string, value: T][] {
  const one = (value: unknown) => typeof value === 'object' && value !== null && isOne(value);
  if (one(given)) return [['', given as T]];
  const entries = typeof given === 'object' && given !== null ? Object.entries(given as Record<string, T>) : [];
  const wrong = entries.find(([, value]) => !one(value));
  if (entries.length === 0 || wrong)
    throw new TypeError(
      `${caller}: needs ${what}, or an object of several by name, got ${wrong ? `${wrong[0]}: ${shown(wrong[1])}` : shown(given)}`,
    );
  return entries;
}

/** An SVG of its own: it needs neither a page nor a font, and draws alike in Node, Deno and browsers. */
export function picture({ title, width, height, plot, nothing, names = [], notes = [] }: Picture): string {
  const legend = names.filter(Boolean);
  const colour = { domain: [...names], range: names.map((_, i) => COLOURS[i % COLOURS.length]!) };
  const { marginLeft = 56, marginRight = 24, marginTop = 28, marginBottom = 40 } = plot;
  const above = marginTop + LINE + (legend.length ? LINE : 0);
  const below = marginBottom + LINE * notes.length;
  const words = (text: string, options: Plot.TextOptions) =>
    Plot.text([text], { facet: 'super', fontSize: 11, textAnchor: 'start', ...options });
  const entry = (name: string, i: number) => {
    const before = legend.slice(0, i).reduce((sum, other) => sum + LETTER * (other.length + 4), 0);
    const place = { dx: before - marginLeft + 8, dy: LINE * 1.7 - above, fontWeight: 'bold' };
    return words(`● ${name}`, { ...place, frameAnchor: 'top-left', fill: colour.range[i] });
  };
  const svg = Plot.plot({
    ...(nothing === undefined
      ? {
          ...plot,
          // In the middle of their axes labels meet neither the title nor the notes.
          x: { labelAnchor: 'center', labelArrow: 'none', labelOffset: LABEL, ...plot.x },
          y: { labelAnchor: 'center', labelArrow: 'none', labelOffset: marginLeft - 12, ...plot.y },
        }
      : { axis: null }),
    ...(names.length && nothing === undefined && !plot.color && { color: colour }),
    document: new SvgDocument() as unknown as Document,
    ariaLabel: title,
    style: { background: 'white', color: '#222' },
    ...{ width, height, marginLeft, marginRight, marginTop: above, marginBottom: below },
    marks: [
      words(title, { frameAnchor: 'top-left', dx: 8 - marginLeft, dy: 8 - above, fontSize: 13, fontWeight: 'bold' }),
      ...(nothing === undefined
        ? [...legend.map(entry), ...(plot.marks ?? [])]
        : [Plot.frame({ stroke: '#ccc' }), words(nothing, { frameAnchor: 'middle', textAnchor: 'middle' })]),
      ...notes.map((note, i) =>
        words(note, { frameAnchor: 'bottom-left', dx: 8 - marginLeft, dy: below - LINE * (notes.length - i) + 8 }),
      ),
    ],
  });
  svg.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  svg.setAttribute('role', 'img');
  return svg.outerHTML;
}

/** The note on numbers that a picture cannot show; none where there are none. */
export function leftOut(count: number, what: string): readonly string[] {
  if (count === 0) return [];
  return [`${count} ${what}${count === 1 ? ' is' : 's are'} not finite and left out.`];
}
