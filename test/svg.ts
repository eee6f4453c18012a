import { DOMParser } from 'linkedom';

interface SvgNode {
  readonly textContent: string;
  closest(selector: string): SvgNode | null;
  getAttribute(name: string): string | null;
  querySelectorAll(selector: string): Iterable<SvgNode>;
}

/** The picture as a parser reads it. */
const parsed = (svg: string): SvgNode =>
  new DOMParser().parseFromString(svg, 'image/svg+xml').documentElement as unknown as SvgNode;

/** The shapes that Observable Plot draws for its marks of one kind ('dot', 'line', 'rect', 'rule', 'contour'), markers not. */
export const shapes = (svg: string, kind: string): SvgNode[] =>
  [...parsed(svg).querySelectorAll(`[aria-label="${kind}"]`)].flatMap((group) => [
    ...[...group.querySelectorAll('circle, path, line, rect')].filter((node) => node.closest('marker') === null),
  ]);

/** Every text of the picture, ticks of the axes included. */
export const texts = (svg: string): string[] =>
  [...parsed(svg).querySelectorAll('text')].map(({ textContent }) => textContent);

/** An attribute of every shape as a number. */
export const numbers = (nodes: readonly SvgNode[], attribute: string): number[] =>
  nodes.map((node) => Number(node.getAttribute(attribute)));

/** What no picture may hold: a number that is none, or the name of something that is missing. */
export const BROKEN: RegExp = /NaN|undefined|Infinity|\[object/;
