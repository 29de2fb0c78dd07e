/** The table of formats of a plan as text: fp16, fp8, int8 and int4 of weights and of KV, each alone. */
import type { Deployment } from '../plan/index.ts';
import { table } from './tables.ts';

type Format = NonNullable<Deployment['formats']>[number];

const HEAD = ['format', 'memory of a GPU', 'requests', 'TPOT', 'against fp16', 'quality', 'what for'];

const or = (value: number | null, text: (value: number) => string): string =>
  value === null ? '–' : text(value);

function memory({ part, weightsBytes, kvBytesPerToken }: Format): string {
  if (part === 'weights') return or(weightsBytes, (bytes) => `${(bytes / 1e9).toFixed(2)} GB`);
  return or(kvBytesPerToken, (bytes) => `${Math.round(bytes).toLocaleString('en')} B a token`);
}

function quality({ quality: { lossPercent, origin } }: Format): string {
  return lossPercent === null ? 'not published' : `${lossPercent > 0 ? '−' : ''}${lossPercent} % (${origin})`;
}

export function formatsTable(formats: readonly Format[]): string {
  const rows = formats.map((row) => {
    const name = `${row.part === 'kv' ? 'KV' : row.part} ${row.label}`;
    if (row.unsupported !== null) return [name, '–', '–', '–', '–', '–', row.unsupported];
    return [
      name,
      memory(row),
      row.sequences === null ? 'does not fit' : String(row.sequences),
      or(row.tpotMs, (ms) => `${ms.toFixed(2)} ms`),
      or(row.speedup, (ratio) => `× ${ratio.toFixed(2)}`),
      quality(row),
      row.use,
    ];
  });
  return table([HEAD, ...rows]);
}
