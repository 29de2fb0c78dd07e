/**
 * The pool as pixels: one pixel a block, to be enlarged by the canvas without smoothing. 100,000 blocks are one pass over
 * a few typed arrays. Pure; the surface is BlockGrid.canvas.svelte.
 */
import type { Theme } from '../../../charts/theme.ts';
import type { PoolState } from '../../../sim/recorder-state.ts';
import { hexOf, inkOn, mix, rgbOf, wordOf } from './colour.ts';
import { COLOURINGS, type ColourClass, type ColourContext, type ColourMode } from './colouring.ts';

/** Share of its colour that a block keeps while another request is chosen. */
const DIMMED = 0.28;

export interface Painting {
  readonly classes: readonly ColourClass[];
  /** Class of each block. */
  readonly classOf: Uint8Array;
  /** Blocks of each class. */
  readonly counts: Uint32Array;
}

/** Sorts the blocks of a state into classes. `classOf` may be handed back in to be written again. */
export function classifyBlocks(
  mode: ColourMode,
  state: PoolState,
  context: ColourContext,
  theme: Theme,
  classOf: Uint8Array = new Uint8Array(state.numBlocks),
): Painting {
  const colouring = COLOURINGS[mode];
  const classes = colouring.classes(theme, context);
  colouring.classify(state, context, classOf);
  const counts = new Uint32Array(classes.length);
  for (let block = 0; block < state.numBlocks; block++) {
    const at = classOf[block] ?? 0;
    counts[at] = (counts[at] ?? 0) + 1;
  }
  return { classes, classOf, counts };
}

/**
 * One word a block into `pixels`; what lies behind the last block becomes transparent.
 * @param chosen blocks that keep their colour while the others pale; null: all keep theirs
 */
export function paintBlocks(
  pixels: Uint32Array,
  { classes, classOf }: Painting,
  theme: Theme,
  chosen: readonly number[] | null,
): void {
  const full = Uint32Array.from(classes, ({ colour }) => wordOf(colour));
  const surface = rgbOf(theme.surface);
  const pale = Uint32Array.from(classes, ({ colour }) => wordOf(mix(colour, surface, DIMMED)));
  const words = chosen === null ? full : pale;
  const numBlocks = classOf.length;
  for (let block = 0; block < numBlocks; block++) pixels[block] = words[classOf[block] ?? 0] ?? 0;
  pixels.fill(0, numBlocks);
  for (const block of chosen ?? []) pixels[block] = full[classOf[block] ?? 0] ?? 0;
}

/** Fill and ink of a class, for labels that are written on blocks. */
export function labelInk({ colour }: ColourClass): string {
  return inkOn(colour);
}

export function classHex({ colour }: ColourClass): string {
  return hexOf(colour);
}
