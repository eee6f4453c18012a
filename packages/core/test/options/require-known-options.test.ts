import { expect, it } from 'vitest';
import { nearest, requireKnownOptions } from '../../src';

const known = ['magnitudeAware', 'target', 'seed', 'onProgress'];

it('options that are known, or undefined, pass', () => {
  requireKnownOptions('f', undefined, known);
  requireKnownOptions('f', {}, known);
  requireKnownOptions('f', { seed: 1, magnitudAware: undefined }, known);
});

it('a misspelt option is refused with the nearest name', () => {
  expect(() => requireKnownOptions('findSigma', { magnitudAware: true }, known)).toThrow(
    new RangeError("findSigma: there is no option 'magnitudAware'; did you mean 'magnitudeAware'?"),
  );
});

it('an unknown option that resembles none is refused with the list', () => {
  expect(() => requireKnownOptions('f', { colour: 1 }, known)).toThrow(
    new RangeError("f: there is no option 'colour'; the options are magnitudeAware, target, seed, onProgress"),
  );
});

it('an option of another protocol is refused with its place, even an inherited name', () => {
  expect(() => requireKnownOptions('f', { epochs: 3 }, known, { epochs: "ascent: 'paper'" })).toThrow(
    "f: option 'epochs' belongs to ascent: 'paper'; leave it out or choose that",
  );
  expect(() => requireKnownOptions('f', { toString: 1 }, known)).toThrow("there is no option 'toString'");
});

it.each([[3], ['fast'], [null], [[1]]])('options that are no object (%j) are a TypeError', (options) => {
  expect(() => requireKnownOptions('f', options, known)).toThrow(TypeError);
});

it('the nearest name changes at most a third of the letters: one of "seeds" to "seed", five of "aaaaa" are too many', () => {
  expect(nearest('seeds', known)).toBe('seed');
  expect(nearest('aaaaa', known)).toBeUndefined();
});
