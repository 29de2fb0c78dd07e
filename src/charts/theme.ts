/**
 * The chart tokens: eight colours in the spirit of Okabe and Ito, once for light and once for dark surfaces. The marker
 * shapes that tell series apart without colour are in markers.ts, since only drawing needs them. charts.css carries the same values as custom properties for the
 * page; SVG files, which know no page, take them from here. A test holds both equal and measures contrast.
 *
 * Okabe & Ito, "Color Universal Design" (https://jfly.uni-koeln.de/color/); its yellow, orange and sky blue are too pale for
 * lines on white (1.3 to 2.2 : 1), so hues and lightness were moved, by a search, until each colour has 3 : 1 (WCAG 1.4.11) and the first five
 * keep a distance of 10 in CIE L*a*b* under each kind of dichromacy.
 */
export type ThemeName = 'light' | 'dark';

export interface Theme {
  readonly surface: string;
  readonly ink: string;
  /** Text of second rank; 4.5 : 1 on the surface. */
  readonly muted: string;
  readonly grid: string;
  readonly series: readonly string[];
}

export const THEMES: Readonly<Record<ThemeName, Theme>> = {
  light: {
    surface: '#ffffff',
    ink: '#1b1f26',
    muted: '#56606f',
    grid: '#e3e7ec',
    //       blue       orange     green      purple     brown      sky        slate      olive
    series: ['#005ea6', '#d57a09', '#00825e', '#b24c87', '#805300', '#3a93c9', '#5a616c', '#807301'],
  },
  dark: {
    surface: '#14171c',
    ink: '#eceff4',
    muted: '#a3adbb',
    grid: '#2b313a',
    series: ['#5ba6ea', '#f5834b', '#2bca9b', '#e28ac5', '#f1b43c', '#9cd5f5', '#b0b4ba', '#dcd15b'],
  },
};

export const SERIES_COLOURS = 8;

/** Stroke pattern of the other run of a comparison and of fitted lines. */
export const DASH = '5 3';
export const FIT_DASH = '1 4';

/** Faces a reader's machine has; files carry no font. Widths in text.ts are Arial's with room to spare. */
export const FONT_STACK = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif";

/** A colour by its role; the surface decides what it looks like. */
export type Paint = 'none' | 'ink' | 'muted' | 'grid' | 'surface' | `series-${number}`;

export function seriesPaint(colour: number): Paint {
  return `series-${((colour % SERIES_COLOURS) + SERIES_COLOURS) % SERIES_COLOURS}`;
}

/** The hex value of a paint in a theme; `none` stays `none`. */
export function paintColour(theme: Theme, paint: Paint): string {
  switch (paint) {
    case 'none':
      return 'none';
    case 'ink':
    case 'muted':
    case 'grid':
    case 'surface':
      return theme[paint];
    default:
      return theme.series[Number(paint.slice('series-'.length))] ?? theme.ink;
  }
}
