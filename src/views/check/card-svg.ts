/** The card of a hardware check as a picture of its own: device, readings, when and how. */
import { escapeXml } from '../../charts/svg.ts';
import { FONT_STACK, THEMES } from '../../charts/theme.ts';
import type { CheckRun } from '../../core/run/schema.ts';
import { readingGroups, showReading } from '../../state/readings.ts';
import { adapterName } from '../../core/run/adapter-name.ts';
import { adapterKind, shortDate } from '../../state/words.ts';

const WIDTH = 672;
const EDGE = 28;
const COLUMNS = 3;
const COLUMN = (WIDTH - 2 * EDGE) / COLUMNS;
const ROW = 58;
const { ink, muted, surface, grid } = THEMES.light;

function text(x: number, y: number, size: number, fill: string, content: string, weight = 400): string {
  return `<text x="${x}" y="${y}" font-size="${size}" font-weight="${weight}" fill="${fill}">${escapeXml(content)}</text>`;
}

function clip(content: string, most: number): string {
  return content.length > most ? `${content.slice(0, most - 1)}…` : content;
}

export function cardSvg(run: CheckRun): string {
  const parts = [
    text(EDGE, 44, 11, muted, `KV Lab · hardware check · ${run.origin}`),
    text(EDGE, 74, 24, ink, clip(adapterName(run.environment.adapter), 44), 600),
    text(EDGE, 96, 12, muted, clip(`${adapterKind(run.environment)} · ${run.environment.runtime}`, 96)),
  ];
  let y = 128;
  for (const { title, readings } of readingGroups(run)) {
    parts.push(
      `<path d="M${EDGE},${y - 14}H${WIDTH - EDGE}" stroke="${grid}"/>`,
      text(EDGE, y + 4, 11, muted, title, 600),
    );
    readings.forEach((reading, index) => {
      const x = EDGE + (index % COLUMNS) * COLUMN;
      const top = y + 30 + Math.floor(index / COLUMNS) * ROW;
      const shown = showReading(reading);
      const value = shown === null ? 'not measured' : `${shown.number} ${shown.unit}`;
      const share = reading.percentOfPeak === null ? '' : `  ${Math.round(reading.percentOfPeak)} % of peak`;
      parts.push(
        text(x, top, 11, muted, clip(reading.label, 34)),
        text(x, top + 20, 17, ink, `${value}${share}`, 600),
      );
    });
    y += 30 + Math.ceil(readings.length / COLUMNS) * ROW + 6;
  }
  parts.push(`<path d="M${EDGE},${y - 8}H${WIDTH - EDGE}" stroke="${grid}"/>`);
  parts.push(
    text(
      EDGE,
      y + 14,
      11,
      muted,
      `Measured ${shortDate(run.createdAt)}, version ${run.environment.appVersion}`,
    ),
  );
  const height = y + 36;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" font-family="${escapeXml(FONT_STACK)}">`,
    `<rect width="${WIDTH}" height="${height}" fill="${surface}"/>`,
    ...parts,
    '</svg>',
  ].join('');
}
