/** A run and its figures as files. Each returns the sentence of what went wrong, or null. */
import type { FigureSpec } from '../../charts/figure.ts';
import { renderSvg, type SvgOptions } from '../../charts/svg.ts';
import type { CheckRun, Run } from '../../core/run/schema.ts';
import { fileStem, runToJson } from '../../exchange/run-files.ts';
import { cardSvg } from '../check/card-svg.ts';
import type { CsvRows } from '../../workers/desk-api.ts';
import { fileName, saveBlob, saveText } from './files.ts';
import { pngOf } from '../../charts/png.ts';

export function saveRunJson(run: Run): void {
  saveText(runToJson(run), `${fileStem(run)}.json`, 'application/json');
}

/** A text that the desk made of the run. */
export function saveJsonText(run: Run, json: string): void {
  saveText(json, `${fileStem(run)}.json`, 'application/json');
}

export function saveRunCsv(run: Run, rows: CsvRows, csv: string): void {
  saveText(csv, `${fileStem(run)}-${rows}.csv`, 'text/csv');
}

export function saveFigureSvg(spec: FigureSpec, options: SvgOptions): void {
  saveText(renderSvg(spec, options), fileName(spec.id, 'svg'), 'image/svg+xml');
}

export function saveFigurePng(spec: FigureSpec, options: SvgOptions): Promise<string | null> {
  return savePng(renderSvg(spec, options), spec.id);
}

export function saveCardPng(run: CheckRun): Promise<string | null> {
  return savePng(cardSvg(run), fileStem(run));
}

async function savePng(svg: string, stem: string): Promise<string | null> {
  try {
    saveBlob(await pngOf(svg), fileName(stem, 'png'));
    return null;
  } catch (thrown) {
    return thrown instanceof Error ? thrown.message : 'The picture could not be drawn: save the SVG instead.';
  }
}
