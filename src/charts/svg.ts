/**
 * A figure as a standalone SVG file: title with model, format and device, the plot, reasons of gaps, the finding, the
 * definition and the origin. Needs no document, so Node writes the same bytes as the page. Nothing is fetched: no font,
 * no style sheet, no script. All text is escaped; runs may come from strangers.
 */
import { figureRows, gapNotes, originSentence } from './describe.ts';
import type { FigureSpec } from './figure.ts';
import { layoutFigure, type NumericScale } from './layout.ts';
import { round, type Mark } from './marks.ts';
import { wrapText } from './text.ts';
import { FONT_STACK, paintColour, THEMES, type Theme, type ThemeName } from './theme.ts';

export interface SvgOptions {
  /** CSS px; 672 are 7 inches. */
  readonly width?: number;
  /** px of the plot alone, without title and notes. */
  readonly plotHeight?: number;
  readonly theme?: ThemeName;
  readonly xScale?: NumericScale;
  readonly yScale?: NumericScale;
}

/** Seven inches at 96 px. */
export const FILE_WIDTH = 672;
const PADDING = 20;
const MAX_GAP_NOTES = 6;
const MAX_NOTES = 5;
const MAX_DESCRIPTION = 4000;

interface Block {
  readonly lines: readonly string[];
  readonly size: number;
  readonly bold: boolean;
  readonly fill: 'ink' | 'muted';
  readonly before: number;
}

export function renderSvg(spec: FigureSpec, options: SvgOptions = {}): string {
  const width = options.width ?? FILE_WIDTH;
  const theme = THEMES[options.theme ?? 'light'];
  const inner = width - 2 * PADDING;
  const layout = layoutFigure(spec, { ...scalesOf(options), width: inner, ...heightOf(options) });
  const head = [
    block(spec.title, 16, true, 'ink', 0, inner),
    block(spec.subtitle, 12, false, 'muted', 3, inner),
  ];
  const foot = footBlocks(layout.spec, [layout.refusals.x, layout.refusals.y], inner);

  const headHeight = heightOfBlocks(head);
  const plotTop = PADDING + headHeight + 14;
  const footTop = plotTop + layout.height + 12;
  const height = Math.ceil(footTop + heightOfBlocks(foot) + PADDING);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" role="img" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"`,
    ` font-family="${escapeXml(FONT_STACK)}" stroke-linecap="round" stroke-linejoin="round">\n`,
    `<title>${escapeXml(`${spec.title}. ${spec.subtitle}`)}</title>\n`,
    `<desc>${escapeXml(description(layout.spec))}</desc>\n`,
    `<rect width="${width}" height="${height}" fill="${theme.surface}"/>\n`,
    blocksSvg(head, theme, PADDING),
    `<g transform="translate(${PADDING},${round(plotTop)})">\n`,
    ...layout.marks.map((mark) => `${markSvg(mark, theme)}\n`),
    '</g>\n',
    blocksSvg(foot, theme, footTop),
    '</svg>\n',
  ].join('');
}

function scalesOf({ xScale, yScale }: SvgOptions): { xScale?: NumericScale; yScale?: NumericScale } {
  return { ...(xScale === undefined ? {} : { xScale }), ...(yScale === undefined ? {} : { yScale }) };
}

function heightOf({ plotHeight }: SvgOptions): { height?: number } {
  return plotHeight === undefined ? {} : { height: plotHeight };
}

function block(
  text: string,
  size: number,
  bold: boolean,
  fill: Block['fill'],
  before: number,
  width: number,
): Block {
  return { lines: wrapText(text, bold ? size * 1.05 : size, width), size, bold, fill, before };
}

function footBlocks(spec: FigureSpec, refusals: readonly (string | null)[], width: number): Block[] {
  const gaps = gapNotes(spec);
  const more = gaps.length > MAX_GAP_NOTES ? [`× and ${gaps.length - MAX_GAP_NOTES} more reasons`] : [];
  const notes = spec.notes ?? [];
  const unsaid = notes.length > MAX_NOTES ? [`and ${notes.length - MAX_NOTES} more notes in the run`] : [];
  const meaning = spec.intervalMeaning === undefined ? '' : ` Intervals: ${spec.intervalMeaning}.`;
  return [
    block(spec.finding, 13, false, 'ink', 0, width),
    ...refusals.flatMap((text) => (text === null ? [] : [block(text, 10.5, false, 'muted', 4, width)])),
    ...[...gaps.slice(0, MAX_GAP_NOTES), ...more].map((text) => block(text, 10.5, false, 'muted', 4, width)),
    ...[...notes.slice(0, MAX_NOTES), ...unsaid].map((text) => block(text, 10.5, false, 'muted', 4, width)),
    block(`${spec.definition}${meaning}`, 10.5, false, 'muted', 6, width),
    block(originSentence(spec), 10.5, false, 'muted', 3, width),
  ].filter(({ lines }) => lines.length > 0);
}

const lineHeight = (size: number) => Math.round(size * 1.35);

function heightOfBlocks(blocks: readonly Block[]): number {
  return blocks.reduce((sum, { lines, size, before }) => sum + before + lines.length * lineHeight(size), 0);
}

function blocksSvg(blocks: readonly Block[], theme: Theme, top: number): string {
  let y = top;
  let svg = '';
  for (const { lines, size, bold, fill, before } of blocks) {
    y += before;
    for (const line of lines) {
      y += lineHeight(size);
      const weight = bold ? ' font-weight="600"' : '';
      const place = `x="${PADDING}" y="${round(y - size * 0.3)}" font-size="${size}"`;
      svg += `<text ${place}${weight} fill="${theme[fill]}">${escapeXml(line)}</text>\n`;
    }
  }
  return svg;
}

function markSvg(mark: Mark, theme: Theme): string {
  if (mark.kind === 'text') {
    const weight = mark.bold ? ' font-weight="600"' : '';
    const place = `x="${round(mark.x)}" y="${round(mark.y)}" text-anchor="${mark.anchor}" font-size="${mark.size}"`;
    return `<text class="${mark.role}" ${place}${weight} fill="${paintColour(theme, mark.fill)}">${escapeXml(mark.text)}</text>`;
  }
  const at = mark.at ? ` transform="translate(${mark.at[0]},${mark.at[1]})"` : '';
  const stroke = paintColour(theme, mark.stroke);
  const line = mark.stroke === 'none' ? '' : ` stroke="${stroke}" stroke-width="${mark.strokeWidth}"`;
  const dash = mark.dash ? ` stroke-dasharray="${mark.dash}"` : '';
  const opacity = mark.opacity === undefined ? '' : ` opacity="${mark.opacity}"`;
  return `<path class="${mark.role}"${at} d="${mark.d}" fill="${paintColour(theme, mark.fill)}"${line}${dash}${opacity}/>`;
}

function description(spec: FigureSpec): string {
  const rows = figureRows(spec).map(({ series, x, value, interval }) =>
    [series, `${x}: ${value}`, interval && `(${interval})`].filter((part) => part !== '').join(' '),
  );
  const text = `${spec.finding} ${spec.definition} ${spec.y.label} by ${spec.x.label}: ${rows.join('; ')}.`;
  return text.length > MAX_DESCRIPTION ? `${text.slice(0, MAX_DESCRIPTION)}…` : text;
}

/** Text for XML 1.0: the five entities, and no character that the format forbids. */
export function escapeXml(text: string): string {
  return text
    .replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '\ufffd')
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/"/g, '&quot;')
    .replace(/'/g, '&#39;');
}
