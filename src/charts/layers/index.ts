/** The table of layers: one for each mark a figure can ask for. */
import type { FigureSpec } from '../figure.ts';
import { barLayer } from './bar.ts';
import { cdfLayer } from './cdf.ts';
import { heatmapLayer } from './heatmap.ts';
import type { Layer } from './layer.ts';
import { lineLayer } from './line.ts';
import { stackLayer } from './stack.ts';
import { stripLayer } from './strip.ts';
import { waterfallLayer } from './waterfall.ts';

export const LAYERS: Readonly<Record<FigureSpec['mark'], Layer>> = {
  line: lineLayer,
  area: lineLayer,
  scatter: lineLayer,
  bar: barLayer,
  strip: stripLayer,
  stack: stackLayer,
  waterfall: waterfallLayer,
  cdf: cdfLayer,
  heatmap: heatmapLayer,
};
