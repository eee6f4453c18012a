import * as Plot from '@observablehq/plot';
import { byName, leftOut, picture, requirePictureOptions } from '@qgen/core/plot';
import { DOMParser, parseHTML } from 'linkedom';
import { describe, expect, it } from 'vitest';
import { SvgDocument } from '../../src/plot/svg-document';

const points = Array.from({ length: 60 }, (_, i) => ({
  x: i % 10,
  y: Math.floor(i / 10),
  z: 2 + Math.sin(i),
  model: i % 2 ? 'a & b' : '<c>',
}));

describe('the document that pictures are drawn in', () => {
  const drawings: Readonly<Record<string, Plot.PlotOptions>> = {
    'dots, lines with markers, text and rules': {
      x: { type: 'log', domain: [1, 10] },
      marks: [
        Plot.ruleY([1]),
        Plot.dot(points, { x: 'x', y: 'y', stroke: 'model', symbol: 'times' }),
        Plot.lineY(points.slice(0, 10), { x: 'x', y: 'z', marker: 'dot', strokeDasharray: '4,4' }),
        Plot.text(points, { x: 'x', y: 'y', text: 'model' }),
      ],
    },
    'facets of contours': {
      fx: { label: null },
      color: { type: 'log', scheme: 'viridis' },
      marks: [
        Plot.contour(points, { fx: 'model', x: 'x', y: 'y', fill: 'z', interpolate: 'barycentric' }),
        Plot.text(['once'], { facet: 'super', frameAnchor: 'top' }),
      ],
    },
    'bars over facets': {
      style: { background: 'white' },
      marks: [Plot.rectY(points, { fy: 'model', x1: 'x', x2: 'z', y: 'y', fill: 'red' })],
    },
  };

  it.each(Object.entries(drawings))('gives %s as linkedom, a whole document, gives them', (_, options) => {
    const { document } = parseHTML('<!doctype html><html><body></body></html>');
    const drawn = (own: unknown) => Plot.plot({ ...options, document: own as Document }).outerHTML;
    const [ours, theirs] = [drawn(new SvgDocument()), drawn(document)].map(tree);
    expect(ours).toEqual(theirs);
    expect(JSON.stringify(ours).length).toBeGreaterThan(2000);
  });
});

interface Node {
  readonly tagName: string;
  readonly attributes: Iterable<{ readonly name: string; readonly value: string }>;
  readonly children: Iterable<Node>;
  readonly textContent: string;
}

/** What an SVG says, read by a parser: elements, attributes by name, texts. Plot numbers its markers anew in every drawing. */
function tree(svg: string): object {
  const of = (node: Node): object => ({
    name: node.tagName,
    attributes: Object.fromEntries(
      Array.from(node.attributes, ({ name, value }) => [
        name,
        name === 'style' ? value.replaceAll(/[;\s]/g, '') : value.replaceAll(/plot-marker-\d+/g, 'plot-marker'),
      ]),
    ),
    children: Array.from(node.children, of),
    text: [...node.children].length === 0 ? node.textContent : '',
  });
  return of(new DOMParser().parseFromString(svg, 'image/svg+xml').documentElement as unknown as Node);
}

const drawing = { title: 'Loss & gap', width: 300, height: 200 };
const texts = (svg: string) => [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text]) => text);

describe('picture', () => {
  it('is an SVG of its own with a title, a legend in the order of the names, and notes', () => {
    const plot = { marks: [Plot.dot(points, { x: 'x', y: 'y', fill: 'model' })] };
    const svg = picture({ ...drawing, plot, names: ['a & b', '<c>'], notes: ['one note'] });
    expect(svg).toMatch(/^<svg [^>]*xmlns="http:\/\/www.w3.org\/2000\/svg"/);
    expect(svg).toMatch(/^<svg [^>]*role="img"/);
    expect(svg).toMatch(/^<svg [^>]*aria-label="Loss &amp; gap"/);
    expect(texts(svg)).toEqual(expect.arrayContaining(['Loss &amp; gap', '● a &amp; b', '● &lt;c&gt;', 'one note']));
    expect(svg).not.toMatch(/NaN|undefined|Infinity/);
  });

  it('has no legend for one thing without a name', () => {
    const plot = { marks: [Plot.dot(points, { x: 'x', y: 'y' })] };
    expect(picture({ ...drawing, plot, names: [''] })).not.toContain('●');
  });

  it('says why there is nothing to draw', () => {
    const svg = picture({ ...drawing, plot: {}, nothing: 'No scale was tried.' });
    expect(texts(svg)).toEqual(['Loss &amp; gap', 'No scale was tried.']);
  });
});

describe('what functions that draw are given', () => {
  it('is one thing, or several by name', () => {
    const isOne = (value: object) => 'loss' in value;
    expect(byName('plotIt', 'a landscape', { loss: 1 }, isOne)).toEqual([['', { loss: 1 }]]);
    expect(byName('plotIt', 'a landscape', { a: { loss: 1 }, b: { loss: 2 } }, isOne)).toEqual([
      ['a', { loss: 1 }],
      ['b', { loss: 2 }],
    ]);
    for (const wrong of [null, 3, {}, [], { a: { loss: 1 }, b: 3 }])
      expect(() => byName('plotIt', 'a landscape', wrong as never, isOne)).toThrow(
        /^plotIt: needs a landscape, or an object of several by name, got /,
      );
  });

  it('has options that are known, and sizes above 0', () => {
    requirePictureOptions('plotIt', {});
    requirePictureOptions('plotIt', { width: 100, height: 50, title: 'a' });
    expect(() => requirePictureOptions('plotIt', { widht: 3 } as never)).toThrow(/plotIt: .*widht/);
    expect(() => requirePictureOptions('plotIt', { width: 0 })).toThrow(/plotIt: width must be/);
    expect(() => requirePictureOptions('plotIt', { title: 3 } as never)).toThrow(/plotIt: title must be a text, got 3/);
  });

  it('is counted where it is not finite', () => {
    expect(leftOut(0, 'point')).toEqual([]);
    expect(leftOut(1, 'point')).toEqual(['1 point is not finite and left out.']);
    expect(leftOut(2, 'point')).toEqual(['2 points are not finite and left out.']);
  });
});
