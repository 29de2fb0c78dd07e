/** `kvlab scrape`: what a server says of itself, from its /metrics or from a file with them. */
import { readFileSync, statSync } from 'node:fs';
import {
  EndpointError,
  readTelemetry,
  scrape,
  TELEMETRY_FIELDS,
  type Scraped,
} from '../../endpoints/index.ts';
import { asked, endpointOf } from '../endpoint.ts';
import { InputError } from '../errors.ts';
import { table } from '../tables.ts';
import type { PlainCommand } from './command.ts';

const MAX_FILE_BYTES = 20_000_000;

export const scrapeCommand: PlainCommand = async ({ invocation, terminal, write }) => {
  const from = invocation.scenario ?? '';
  const scraped = /^https?:\/\//i.test(from) ? await scrapeAddress(from) : ofFile(from);
  write?.('metrics.json', `${JSON.stringify(scraped)}\n`);
  terminal.answer(invocation.json ? `${JSON.stringify(scraped)}\n` : textOf(scraped));
  return 'done' as const;
};

function scrapeAddress(url: string): Promise<Scraped> {
  const endpoint = endpointOf(url, 'its address');
  return asked(endpoint, () => scrape(endpoint));
}

function ofFile(path: string): Scraped {
  let text: string;
  try {
    const { size } = statSync(path);
    if (size > MAX_FILE_BYTES)
      throw new InputError(`${path} has ${size} bytes; the most is ${MAX_FILE_BYTES}.`);
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw new InputError(
      `${path} can’t be read; name a server as http://HOST:PORT, or a file with its metrics.`,
    );
  }
  try {
    return readTelemetry(text);
  } catch (error) {
    if (error instanceof EndpointError) throw new InputError(`${path}: ${error.message}`);
    throw error;
  }
}

function textOf({ server, telemetry, from, prefixHitRatio, samples, unread }: Scraped): string {
  const rows = TELEMETRY_FIELDS.map((field) => {
    const value = telemetry[field];
    return [field, value === null ? '—' : String(Number(value.toPrecision(6))), from[field] ?? 'not told'];
  });
  const ratio =
    prefixHitRatio === null
      ? ''
      : `Prefix hits: ${(100 * prefixHitRatio).toFixed(1)} % since the server started.\n`;
  const lines = unread > 0 ? ` ${unread} lines could not be read.` : '';
  return `${server}, ${samples} samples.${lines}\n\n${table(rows)}${ratio}`;
}
