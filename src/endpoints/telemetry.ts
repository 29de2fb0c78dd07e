/**
 * What a server says of itself, in our words: from its /metrics, a pasted text or a saved file.
 *
 * A gauge that every GPU of one engine repeats (labels tp_rank, pp_rank) counts once; engines side by side are added up,
 * and of shares the highest is taken.
 */
import type { ServerKind, Telemetry } from '../core/run/load.ts';
import type { Endpoint } from './endpoint.ts';
import { EndpointError, faultOfStatus, notAnApi } from './fault.ts';
import { METRIC_NAMES, TELEMETRY_FIELDS, type MetricSource, type TelemetryField } from './names.ts';
import { askForMetrics, kindOfMetrics } from './probe.ts';
import { parsePrometheus, type Metrics, type MetricSample } from './prometheus.ts';

export interface Scraped {
  readonly server: ServerKind;
  readonly telemetry: Telemetry;
  /** Which of the server's names each figure came from. */
  readonly from: Readonly<Partial<Record<TelemetryField, string>>>;
  /** Found over looked up, since the server started; null where it does not say. */
  readonly prefixHitRatio: number | null;
  readonly samples: number;
  readonly unread: number;
}

const NOTHING: Telemetry = {
  atMs: 0,
  running: null,
  waiting: null,
  kvUsage: null,
  prefixLookups: null,
  prefixHits: null,
  preemptions: null,
  promptTokens: null,
  outputTokens: null,
  ttftMs: null,
  itlMs: null,
  e2eMs: null,
  queueMs: null,
};

const RANKS = ['tp_rank', 'pp_rank', 'moe_ep_rank'] as const;

/** One value an engine: ranks that repeat it count once, and a total beside its parts is taken alone. */
function perEngine(samples: readonly MetricSample[]): number[] {
  const totals = samples.filter(({ labels }) => labels['priority'] === '');
  const engines = new Map<string, number>();
  for (const { labels, value } of totals.length > 0 ? totals : samples) {
    const own = Object.entries(labels).filter(([name]) => !RANKS.some((rank) => rank === name));
    const key = JSON.stringify(own.sort());
    engines.set(key, Math.max(engines.get(key) ?? -Infinity, value));
  }
  return [...engines.values()];
}

type Find = (name: string) => readonly MetricSample[];

function total(find: Find, name: string, over: MetricSource['over']): number | null {
  const values = perEngine(find(name)).filter(Number.isFinite);
  if (values.length === 0) return null;
  return over === 'max' ? Math.max(...values) : values.reduce((sum, value) => sum + value, 0);
}

function valueOf(find: Find, { names, of, over, scale = 1 }: MetricSource): number | null {
  const values = names.map((name) => {
    if (of === undefined) return total(find, name, over);
    const sum = total(find, `${name}_sum`, undefined);
    if (of === 'sum') return sum;
    const count = total(find, `${name}_count`, undefined);
    return sum === null || count === null || count === 0 ? null : sum / count;
  });
  if (values.some((value) => value === null)) return null;
  const value = scale * values.reduce<number>((sum, part) => sum + (part ?? 0), 0);
  return value >= 0 ? value : null;
}

/** What is known of a server's metrics. @throws EndpointError in one sentence where they are of none that is known */
export function readTelemetry(text: string): Scraped {
  const metrics = parsed(text);
  const server = kindOfMetrics(text.replaceAll('\r\n', '\n'));
  const names = METRIC_NAMES[server];
  if (metrics.samples.length === 0) {
    if (/^\s*</.test(text)) throw notAnApi(null);
    throw new EndpointError(
      'not an API',
      'This is no Prometheus text: no line of it is a sample such as “name{label="x"} 1”.',
    );
  }
  if (names === undefined) {
    const [first] = metrics.samples;
    const known = Object.keys(METRIC_NAMES).join(', ');
    throw new EndpointError(
      'not an API',
      `These metrics (${first?.name.slice(0, 60) ?? 'none'}, …) are of no server that is known; there are ${known}.`,
    );
  }
  const byName = new Map<string, MetricSample[]>();
  for (const sample of metrics.samples) {
    const group = byName.get(sample.name);
    if (group) group.push(sample);
    else byName.set(sample.name, [sample]);
  }
  const find: Find = (name) => byName.get(name) ?? [];
  const telemetry: Telemetry = { ...NOTHING };
  const from: Partial<Record<TelemetryField, string>> = {};
  for (const field of TELEMETRY_FIELDS) {
    for (const source of names[field] ?? []) {
      const value = valueOf(find, source);
      if (value === null) continue;
      telemetry[field] = value;
      from[field] = source.names.join(' + ');
      break;
    }
  }
  const { prefixHits, prefixLookups } = telemetry;
  return {
    server,
    telemetry,
    from,
    prefixHitRatio: prefixHits === null || !prefixLookups ? null : prefixHits / prefixLookups,
    samples: metrics.samples.length,
    unread: metrics.unread,
  };
}

function parsed(text: string): Metrics {
  try {
    return parsePrometheus(text);
  } catch (error) {
    throw new EndpointError('not an API', error instanceof Error ? error.message : String(error));
  }
}

/** @throws EndpointError in one sentence */
export async function scrape(endpoint: Endpoint): Promise<Scraped> {
  const { status, text } = await askForMetrics(endpoint);
  if (status === 404 || status === 501) {
    throw new EndpointError(
      'wrong path',
      `The server has no /metrics (${status}); start it with them, such as llama-server --metrics or SGLang --enable-metrics.`,
      status,
    );
  }
  if (status !== 200) throw faultOfStatus(status, text, endpoint);
  return readTelemetry(text);
}
