import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

/** Pairs that text is read on (WCAG 2.2, 1.4.3), and lines that must be told from their ground (1.4.11). */
const text = ['ink', 'soft', 'create', 'track', 'expire', 'terminate'];
const grounds = ['paper', 'card', 'sunk'];
const lines = ['edge', 'you'];

const css = readFileSync(new URL('../../assets/tokens.css', import.meta.url), 'utf8');
const colours = new Map(
  [...css.matchAll(/--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)/g)].map(([, name = '', ...both]) => [name, both]),
);

for (const [index, scheme] of ['light', 'dark'].entries()) {
  test(`every colour can be read on every ground it stands on, ${scheme}`, () => {
    const of = (name: string): string => colours.get(name)?.[index] ?? assert.fail(`no colour ${name}`);
    for (const ground of grounds) {
      for (const name of text) assertContrast(of(name), of(ground), 4.5, `${name} on ${ground}`);
      for (const name of lines) assertContrast(of(name), of(ground), 3, `${name} on ${ground}`);
    }
    assertContrast(of('on-accent'), of('track'), 4.5, 'a primary button');
    assertContrast(of('on-you'), of('you'), 4.5, 'the marker’s flag');
  });
}

function assertContrast(one: string, other: string, least: number, what: string): void {
  const [dark = 0, light = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  const ratio = (light + 0.05) / (dark + 0.05);
  assert.ok(ratio >= least, `${what}: ${ratio.toFixed(2)}, not ${least}`);
}

function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const share = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
