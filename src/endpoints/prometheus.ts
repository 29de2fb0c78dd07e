/**
 * Prometheus text (exposition format 0.0.4, and OpenMetrics as far as it looks alike) as samples with labels.
 *
 * Comes from outside: bounded, and a line that is none is counted and left out, not guessed at. Timestamps and exemplars
 * are read over.
 * Source of the grammar: prometheus.io/docs/instrumenting/exposition_formats.
 */

export interface MetricSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface MetricFamily {
  readonly type: string;
  readonly help: string;
}

export interface Metrics {
  readonly samples: readonly MetricSample[];
  readonly families: ReadonlyMap<string, MetricFamily>;
  /** Lines that could not be read. */
  readonly unread: number;
}

const MAX_CHARACTERS = 20_000_000;
const MAX_SAMPLES = 200_000;
const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)\s*(?:\{(.*)\})?\s+(\S+)(?:\s.*)?$/;
const LABEL = /\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*=\s*"((?:[^"\\]|\\.)*)"\s*(?:,|$)/y;
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', '"': '"', '\\': '\\' };

function unescaped(text: string): string {
  return text.replace(/\\(.)/g, (whole, letter: string) => ESCAPES[letter] ?? whole);
}

function valueOf(text: string): number {
  const named: Readonly<Record<string, number>> = { '+Inf': Infinity, '-Inf': -Infinity, Inf: Infinity };
  if (text === 'NaN') return NaN;
  return named[text] ?? Number(text);
}

/** Null where the text between the braces is no list of labels. */
function labelsOf(text: string): Record<string, string> | null {
  const labels: [string, string][] = [];
  LABEL.lastIndex = 0;
  while (LABEL.lastIndex < text.trimEnd().length) {
    const match = LABEL.exec(text);
    if (match === null) return null;
    labels.push([match[1] ?? '', unescaped(match[2] ?? '')]);
  }
  return Object.fromEntries(labels);
}

function sampleOf(line: string): MetricSample | null {
  const match = SAMPLE.exec(line);
  if (match === null) return null;
  const [, name = '', inside = '', written = ''] = match;
  const labels = labelsOf(inside);
  const value = valueOf(written);
  const isNumber = written === 'NaN' || !Number.isNaN(value);
  return labels === null || !isNumber ? null : { name, labels, value };
}

/** @throws RangeError for a text beyond the bounds */
export function parsePrometheus(text: string): Metrics {
  if (text.length > MAX_CHARACTERS) {
    throw new RangeError(`The metrics have ${text.length} characters; the most is ${MAX_CHARACTERS}.`);
  }
  const samples: MetricSample[] = [];
  const families = new Map<string, { type: string; help: string }>();
  const family = (name: string) => {
    const known = families.get(name) ?? { type: 'untyped', help: '' };
    families.set(name, known);
    return known;
  };
  let unread = 0;
  for (const raw of text.split('\n')) {
    const line = raw.trim();
    if (line === '') continue;
    if (line.startsWith('#')) {
      const [, what, name = '', rest = ''] = /^#\s*(HELP|TYPE)\s+(\S+)\s*(.*)$/.exec(line) ?? [];
      if (what === 'TYPE') family(name).type = rest;
      if (what === 'HELP') family(name).help = unescaped(rest);
      continue;
    }
    const sample = sampleOf(line);
    if (sample === null) unread++;
    else if (samples.push(sample) > MAX_SAMPLES) {
      throw new RangeError(
        `The metrics have more than ${MAX_SAMPLES} samples; name the server of one model.`,
      );
    }
  }
  return { samples, families, unread };
}
