/** The report's table of formats: what 16, 8 and 4 bits of weights and of KV would take and give, each alone. */
import { formatNumber, formatValue } from '../../charts/format.ts';
import type { PlanFormat } from '../../core/run/plan.ts';
import type { ReportPart } from '../report/parts.ts';

const or = (value: number | null, unit: string): string => (value === null ? '–' : formatValue(value, unit));

function memory({ part, weightsBytes, kvBytesPerToken }: PlanFormat): string {
  if (part === 'weights') return or(weightsBytes, 'bytes');
  return kvBytesPerToken === null ? '–' : `${formatValue(kvBytesPerToken, 'bytes')} a token`;
}

function row(format: PlanFormat): string[] {
  const { part, label, unsupported, sequences, tpotMs, speedup, quality, use } = format;
  const name = `${part === 'kv' ? 'KV' : 'Weights'} ${label}`;
  if (unsupported !== null) return [name, '–', '–', '–', '–', '–', unsupported];
  const loss =
    quality.lossPercent === null
      ? quality.source
      : `${quality.lossPercent > 0 ? '−' : ''}${formatNumber(quality.lossPercent)} %, ${quality.origin}: ${quality.source}`;
  return [
    name,
    memory(format),
    sequences === null ? 'does not fit' : formatNumber(sequences),
    or(tpotMs, 'ms'),
    or(speedup, 'ratio'),
    loss,
    use,
  ];
}

export function formatParts(formats: readonly PlanFormat[] | undefined): ReportPart[] {
  if (formats === undefined) return [];
  const head = ['', 'Memory of a GPU', 'Requests', 'TPOT', 'Against fp16', 'Quality', 'What for'];
  return [{ kind: 'table', head, rows: formats.map(row) }];
}
