import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';

const css = readFileSync(join(import.meta.dirname, 'tokens.css'), 'utf8');
const TOKEN = /--([\w-]+): light-dark\((#[0-9a-f]{6,8}), (#[0-9a-f]{6,8})\);/g;
const tokens = new Map([...css.matchAll(TOKEN)].map(([, name = '', ...both]) => [name, both]));

/** By WCAG 2: from 1, the same, to 21, black on white. */
function contrast(a: string, b: string): number {
  const [light = 0, dark = 0] = [luminance(a), luminance(b)].toSorted((x, y) => y - x);
  return (light + 0.05) / (dark + 0.05);
}

function luminance(hex: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const share = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return share <= 0.040_45 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

const TEXT = 4.5;
/** Of lines, bars and shapes that say something, and of borders of fields. */
const SHAPE = 3;
const SURFACES = ['back', 'surface', 'raised', 'hover', 'chosen', 'warning-soft'];

const PAIRS: readonly (readonly [front: string, backs: readonly string[], least: number])[] = [
  ...['text', 'text-quiet', 'accent', 'error'].map((name) => [name, SURFACES, TEXT] as const),
  ['on-accent', ['accent-back', 'accent-back-hover', 'error-back'], TEXT],
  ...['ok', 'warning', 'error', 'accent'].map((name) => [name, SURFACES, SHAPE] as const),
  ...[1, 2, 3, 4, 5, 6].map((at) => [`series-${at}`, ['surface'], 2.5] as const),
  ['line-strong', ['surface', 'raised'], SHAPE],
];

describe('the colours', () => {
  for (const [at, scheme] of ['light', 'dark'].entries()) {
    it(`can be told apart in ${scheme}`, () => {
      const colourOf = (name: string) =>
        tokens.get(name)?.[at] ?? assert.fail(`tokens.css has no colour --${name}`);
      const faint = PAIRS.flatMap(([front, backs, least]) =>
        backs
          .map((back) => ({ front, back, ratio: contrast(colourOf(front), colourOf(back)) }))
          .filter(({ ratio }) => ratio < least)
          .map(({ back, ratio }) => `--${front} on --${back}: ${ratio.toFixed(2)}, not ${least}`),
      );
      assert.deepEqual(faint, []);
    });
  }

  it('knows black on white', () => {
    assert.equal(Math.round(contrast('#000000', '#ffffff')), 21);
  });
});

describe('the sizes', () => {
  it('are on a grid of 4 px', () => {
    const steps = [...css.matchAll(/--(?:s\d|row|control|sidebar)[\w-]*: (\d+)px/g)];
    assert.ok(steps.length > 8);
    for (const [line, px] of steps) assert.equal(Number(px) % 4, 0, line);
  });
});
