/**
 * What the colour of a block says. Each way of colouring sorts blocks into classes, and a class has a colour and a name in
 * the legend. One table lists the ways; another one is an entry there.
 *
 * Palettes are the house's (charts/theme.ts): hues for names, one hue from pale to full for amounts, so that order is read
 * from lightness and never from hue alone.
 */
import type { Theme } from '../../../charts/theme.ts';
import { SERIES_COLOURS } from '../../../charts/theme.ts';
import type { PoolState } from '../../../sim/recorder-state.ts';
import { mix, rgbOf, type Rgb } from './colour.ts';

export const COLOUR_MODES = ['owner', 'age', 'references', 'tier', 'copies'] as const;
export type ColourMode = (typeof COLOUR_MODES)[number];

export interface ColourClass {
  readonly name: string;
  readonly colour: Rgb;
  /** Shown in the legend as one entry with the class before it. */
  readonly joins?: boolean;
}

/** What a colouring may ask besides the state. */
export interface ColourContext {
  /** First event of each age class, newest class first: a block touched at or after `ageFrom[i]` is in class i. */
  readonly ageFrom: readonly number[];
  /** Names of the tiers below the GPU's memory. */
  readonly tierNames: readonly string[];
  /** Tiers that have a text at the step that is shown, a bit each, bit 0 for the fastest. */
  readonly tiersOf: (id: number) => number;
}

export interface Colouring {
  readonly label: string;
  /** What is seen, in a sentence. */
  readonly about: string;
  classes(theme: Theme, context: ColourContext): readonly ColourClass[];
  /** Writes the class of each block. */
  classify(state: PoolState, context: ColourContext, out: Uint8Array): void;
}

const EMPTY = 0;
const CACHED = 1;
const FIRST = 2;

function emptyClass(theme: Theme): ColourClass {
  return { name: 'free, empty', colour: mix(rgbOf(theme.muted), rgbOf(theme.surface), 0.14) };
}

function cachedClass(theme: Theme): ColourClass {
  return { name: 'free, contents still cached', colour: mix(rgbOf(theme.muted), rgbOf(theme.surface), 0.37) };
}

function series(theme: Theme, index: number): Rgb {
  return rgbOf(theme.series[index] ?? theme.ink);
}

/** From pale to full: `count` steps of one hue. */
function ramp(theme: Theme, index: number, count: number): Rgb[] {
  return Array.from({ length: count }, (_, i) =>
    mix(series(theme, index), rgbOf(theme.surface), 0.46 + (0.54 * i) / Math.max(1, count - 1)),
  );
}

const SHARED = FIRST + SERIES_COLOURS;

const owner: Colouring = {
  label: 'Owner',
  about:
    'The request that refers to the block. Colours repeat after eight requests; a click names the request.',
  classes: (theme) => [
    emptyClass(theme),
    cachedClass(theme),
    ...Array.from({ length: SERIES_COLOURS }, (_, i) => ({
      name: 'one request',
      colour: series(theme, i),
      ...(i === 0 ? {} : { joins: true }),
    })),
    { name: 'shared by several', colour: rgbOf(theme.ink) },
  ],
  classify({ references, owner: owners, contents, numBlocks }, _context, out) {
    for (let block = 0; block < numBlocks; block++) {
      const count = references[block] ?? 0;
      if (count === 0) out[block] = contents[block] === -1 ? EMPTY : CACHED;
      else out[block] = count > 1 ? SHARED : FIRST + ((owners[block] ?? 0) % SERIES_COLOURS);
    }
  },
};

/** Steps since something last happened to a block, up to and including; the last class is open. */
export const AGE_STEPS = [0, 3, 15, 63, 255] as const;
const AGE_NAMES = [
  'in this step',
  '1 to 3 steps ago',
  '4 to 15 steps ago',
  '16 to 63 steps ago',
  '64 to 255 steps ago',
  'longer ago',
];

const age: Colouring = {
  label: 'Age',
  about: 'How long ago the block was last taken, found, filled or given back.',
  classes: (theme) => [
    { name: 'never used', colour: emptyClass(theme).colour },
    ...ramp(theme, 0, AGE_NAMES.length)
      .toReversed()
      .map((colour, i) => ({ name: AGE_NAMES[i] ?? '', colour })),
  ],
  classify({ touched, numBlocks }, { ageFrom }, out) {
    for (let block = 0; block < numBlocks; block++) {
      const event = touched[block] ?? -1;
      if (event < 0) {
        out[block] = EMPTY;
        continue;
      }
      let at = 0;
      while (at < ageFrom.length && event < (ageFrom[at] ?? 0)) at++;
      out[block] = 1 + at;
    }
  },
};

const REFERENCE_NAMES = ['1', '2', '3 to 4', '5 to 8', '9 to 16', '17 and more'];

function referenceClass(count: number): number {
  return count <= 2 ? count - 1 : Math.min(5, 33 - Math.clz32(count - 1) - 1);
}

const references: Colouring = {
  label: 'References',
  about: 'How many requests refer to the block. More than one: it is stored once for all of them.',
  classes: (theme) => [
    emptyClass(theme),
    cachedClass(theme),
    ...ramp(theme, 2, REFERENCE_NAMES.length).map((colour, i) => ({
      name: REFERENCE_NAMES[i] ?? '',
      colour,
    })),
  ],
  classify({ references: counts, contents, numBlocks }, _context, out) {
    for (let block = 0; block < numBlocks; block++) {
      const count = counts[block] ?? 0;
      if (count === 0) out[block] = contents[block] === -1 ? EMPTY : CACHED;
      else out[block] = FIRST + referenceClass(count);
    }
  },
};

const tier: Colouring = {
  label: 'Tier',
  about:
    'Where the contents of the block came from: computed on this GPU, or loaded from a tier below its memory.',
  classes: (theme, { tierNames }) => [
    emptyClass(theme),
    ...['computed here', ...tierNames.map((name) => `loaded from ${name}`)].map((name, i) => ({
      name,
      colour: series(theme, i),
    })),
  ],
  classify({ references: counts, contents, tier: tiers, numBlocks }, _context, out) {
    for (let block = 0; block < numBlocks; block++) {
      const empty = counts[block] === 0 && contents[block] === -1;
      out[block] = empty ? EMPTY : 1 + (tiers[block] ?? 0);
    }
  },
};

/** Lowest bit that is set: the fastest tier of those. */
const fastest = (tiers: number): number => 31 - Math.clz32(tiers & -tiers);

const copies: Colouring = {
  label: 'Copies below',
  about:
    'Whether what the block holds lies in a tier below the GPU’s memory too, named by the fastest that has it.',
  classes: (theme, { tierNames }) => [
    emptyClass(theme),
    { name: 'in use, found by nobody else', colour: cachedClass(theme).colour },
    ...['only here', ...tierNames.map((name) => `also in ${name}`)].map((name, i) => ({
      name,
      colour: series(theme, i),
    })),
  ],
  classify({ references: counts, contents, numBlocks }, { tiersOf }, out) {
    for (let block = 0; block < numBlocks; block++) {
      const id = contents[block] ?? -1;
      if (id === -1) out[block] = counts[block] === 0 ? EMPTY : CACHED;
      else out[block] = FIRST + 1 + fastest(tiersOf(id));
    }
  },
};

export const COLOURINGS: Readonly<Record<ColourMode, Colouring>> = {
  owner,
  age,
  references,
  tier,
  copies,
};
