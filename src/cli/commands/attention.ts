/** `kvlab attention`: the time of one decode attention, checked against its twin. */
import { parseAttentionShape } from '../../index.ts';
import { InputError } from '../errors.ts';
import { table } from '../tables.ts';
import type { GpuCommand } from './command.ts';

export const attention: GpuCommand = async ({ invocation, terminal, openHost, write }) => {
  if (invocation.shape === null) {
    throw new InputError(
      'attention needs --shape, such as {"batch":8,"queryHeads":32,"kvHeads":8,"headDim":128,"context":512,"blockSize":16,"kvFormat":"f32"}.',
    );
  }
  const parsed = parseAttentionShape(invocation.shape);
  if (!parsed.ok) throw new InputError(parsed.sentence);
  const host = await openHost();
  const result = await host.attention(parsed.shape);
  const json = `${JSON.stringify(result)}\n`;
  write?.('attention.json', json);
  const rows = [
    ['median', `${result.medianMs.toPrecision(4)} ms`],
    ['least', `${result.minMs.toPrecision(4)} ms`],
    ['K and V read', `${result.kvBytes} bytes`],
    [
      'bandwidth',
      `${result.gbps.toPrecision(4)} GB/s of ${result.readPeakGbps.toPrecision(4)} GB/s measured`,
    ],
    ['kernel', result.variant],
    ['largest error', result.maxAbsError.toExponential(2)],
  ];
  terminal.answer(invocation.json ? json : table(rows));
  return 'done';
};
