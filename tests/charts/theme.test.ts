import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { THEMES, type ThemeName } from '../../src/charts/theme.ts';

const NAMES: readonly ThemeName[] = ['light', 'dark'];

function linear(hex: string): [number, number, number] {
  const channel = (start: number) => {
    const c = parseInt(hex.slice(start, start + 2), 16) / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  };
  return [channel(1), channel(3), channel(5)];
}

function luminance([r, g, b]: readonly [number, number, number]): number {
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** WCAG 2 contrast ratio. */
function contrast(a: string, b: string): number {
  const [la, lb] = [luminance(linear(a)), luminance(linear(b))];
  return (Math.max(la, lb) + 0.05) / (Math.min(la, lb) + 0.05);
}

/** Linear RGB as a dichromat sees it: Machado, Oliveira & Fernandes 2009, severity 1. */
const VISION = {
  normal: [1, 0, 0, 0, 1, 0, 0, 0, 1],
  protanopia: [0.152286, 1.052583, -0.204868, 0.114503, 0.786281, 0.099216, -0.003882, -0.048116, 1.051998],
  deuteranopia: [0.367322, 0.860646, -0.227968, 0.280085, 0.672501, 0.047413, -0.01182, 0.04294, 0.968881],
  tritanopia: [1.255528, -0.076749, -0.178779, -0.078411, 0.930809, 0.147602, 0.004733, 0.691367, 0.3039],
} as const;

/** CIE L*a*b*, D65, of linear RGB. */
function lab([r, g, b]: readonly [number, number, number]): [number, number, number] {
  const f = (t: number) => (t > 0.008856 ? Math.cbrt(t) : 7.787 * t + 16 / 116);
  const x = f((0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.9505);
  const y = f(0.2126 * r + 0.7152 * g + 0.0722 * b);
  const z = f((0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.089);
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

function seen(hex: string, vision: keyof typeof VISION): [number, number, number] {
  const [r, g, b] = linear(hex);
  const m = VISION[vision];
  const row = (i: 0 | 3 | 6) =>
    Math.min(
      1,
      Math.max(0, m[i] * r + m[i === 0 ? 1 : i === 3 ? 4 : 7] * g + m[i === 0 ? 2 : i === 3 ? 5 : 8] * b),
    );
  return lab([row(0), row(3), row(6)]);
}

function difference(a: string, b: string, vision: keyof typeof VISION): number {
  const [p, q] = [seen(a, vision), seen(b, vision)];
  return Math.hypot(p[0] - q[0], p[1] - q[1], p[2] - q[2]);
}

function nearest(colours: readonly string[], vision: keyof typeof VISION): number {
  const pairs = colours.flatMap((a, i) => colours.slice(i + 1).map((b) => difference(a, b, vision)));
  return Math.min(...pairs);
}

describe.each(NAMES)('%s theme', (name) => {
  const theme = THEMES[name];

  it('has eight series colours of at least 3 : 1 on the surface', () => {
    expect(theme.series).toHaveLength(8);
    for (const colour of theme.series) expect(contrast(colour, theme.surface)).toBeGreaterThanOrEqual(3);
  });

  it('has text of at least 4.5 : 1', () => {
    expect(contrast(theme.ink, theme.surface)).toBeGreaterThanOrEqual(7);
    expect(contrast(theme.muted, theme.surface)).toBeGreaterThanOrEqual(4.5);
  });

  it.each(['normal', 'protanopia', 'deuteranopia', 'tritanopia'] as const)(
    'keeps colours apart under %s',
    (vision) => {
      // 10 is plain at a glance; the last three have marker shapes of their own besides.
      expect(nearest(theme.series.slice(0, 5), vision)).toBeGreaterThan(10);
      expect(nearest(theme.series, vision)).toBeGreaterThan(7);
    },
  );
});

describe('charts.css', () => {
  const css = readFileSync(new URL('../../src/charts/charts.css', import.meta.url), 'utf8');

  it.each(['surface', 'ink', 'muted', 'grid'] as const)('carries %s as theme.ts has it', (token) => {
    expect(css).toContain(`--kv-${token}: light-dark(${THEMES.light[token]}, ${THEMES.dark[token]});`);
  });

  it('carries the palette as theme.ts has it', () => {
    for (const [i, light] of THEMES.light.series.entries()) {
      expect(css).toContain(`--kv-series-${i}: light-dark(${light}, ${THEMES.dark.series[i]});`);
    }
  });
});
