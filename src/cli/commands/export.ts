/** `kvlab export`: a run, or what another tool measured, in a format of the field. */
import { figuresFor } from '../../charts/index.ts';
import { EXPORT_FORMATS, EXPORT_LABELS, exportRun, type ExportFormat, type Run } from '../../index.ts';
import { InputError } from '../errors.ts';
import { readRunFile } from '../exchange-files.ts';
import { writePictures } from '../figures.ts';
import type { GpuCommandContext, Outcome } from './command.ts';

export async function exportCommand(context: GpuCommandContext): Promise<Outcome> {
  const { invocation, terminal, write } = context;
  const run = readRunFile(invocation.scenario ?? '', context.command);
  const asked = invocation.given('format') ?? 'json';
  if (asked.toLowerCase() === 'png') return pictures(context, run);
  const format = formatOf(asked);
  const exported = exportRun(run, format, { kvopt: invocation.given('kvopt') !== null });
  if (!exported.ok) throw new InputError(exported.sentence);
  const files = exported.value;
  if (write !== null) {
    for (const { name, text } of files) write(name, text);
    terminal.answer(
      invocation.json
        ? `${JSON.stringify({ format, files: files.map(({ name }) => name) })}\n`
        : files.map(({ name }) => `${name}\n`).join(''),
    );
    return 'done';
  }
  if (invocation.json) {
    terminal.answer(`${JSON.stringify({ format, files })}\n`);
    return 'done';
  }
  const [only, ...more] = files;
  if (only === undefined || more.length > 0) {
    throw new InputError(
      `${EXPORT_LABELS[format]} of this run is ${files.length} files: ${files
        .slice(0, 4)
        .map(({ name }) => name)
        .join(', ')}; name a folder with --out DIR.`,
    );
  }
  terminal.answer(only.text);
  return 'done';
}

function formatOf(asked: string): ExportFormat {
  const wanted = asked.toLowerCase();
  const format = ALIASES[wanted] ?? EXPORT_FORMATS.find((known) => known === wanted);
  if (format === undefined) {
    throw new InputError(
      `--format is “${asked.slice(0, 40)}”; there are ${[...EXPORT_FORMATS, 'png'].join(', ')}.`,
    );
  }
  return format;
}

/** What people write. */
const ALIASES: Readonly<Record<string, ExportFormat>> = {
  md: 'markdown',
  llmd: 'llm-d',
  prom: 'prometheus',
  textfile: 'prometheus',
  perfetto: 'chrome-trace',
  trace: 'chrome-trace',
  transformersjs: 'transformers.js',
};

async function pictures({ terminal, write, openHost }: GpuCommandContext, run: Run): Promise<Outcome> {
  if (write === null) throw new InputError('png writes a picture a figure; name a folder with --out DIR.');
  const figures = figuresFor(run);
  if (figures.length === 0) throw new InputError(`“${run.title}” offers no figure; take one with points.`);
  await writePictures(figures, openHost, write, terminal);
  terminal.answer(figures.map(({ id }) => `${id}\n`).join(''));
  return 'done';
}
