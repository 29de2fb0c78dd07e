import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, test } from 'vitest';
import { parseRun } from '../../../src/core/run/parse.ts';
import { EXPORT_FORMATS, exportRun, formatsOf } from '../../../src/exchange/write/formats.ts';
import { grafanaDashboard } from '../../../src/exchange/write/grafana.ts';
import { llmdReports } from '../../../src/exchange/write/llm-d.ts';
import { METRIC_FAMILIES } from '../../../src/exchange/write/metric-families.ts';
import { ProcessTrace } from '../../../src/exchange/write/process-trace.ts';
import { prometheusText } from '../../../src/exchange/write/prometheus.ts';
import { parsePrometheus } from '../../../src/endpoints/prometheus.ts';
import { referenceText, whyNoReferenceData } from '../../reference-data.ts';
import { toyPlanRun } from '../../charts/plan-runs.ts';
import { checkRun } from '../../support/runs.ts';
import { RUNS } from './runs.ts';

const KINDS = Object.entries(RUNS);

const SCHEMA = 'schemas/llmd_benchmark_report_v0_2_1.schema.json';
const missing = whyNoReferenceData(SCHEMA);

describe.skipIf(missing !== null)(
  `llm-d’s schema 0.2.1${missing === null ? '' : ` (skipped: ${missing})`}`,
  () => {
    const ajv = new Ajv2020({ strict: false, allErrors: true });
    ajv.addFormat('date-time', /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    const validate = ajv.compile(missing === null ? JSON.parse(referenceText(SCHEMA)) : {});

    test.each(KINDS)('a %s run is valid', (_, run) => {
      const reports = llmdReports(run());
      if (!reports.ok) throw new Error(reports.sentence);
      expect(reports.value.length).toBeGreaterThan(0);
      for (const report of reports.value) {
        const valid = validate(JSON.parse(JSON.stringify(report)));
        expect(valid ? '' : ajv.errorsText(validate.errors)).toBe('');
      }
    });

    test('it is the schema that says so: an unknown unit and an unknown field are not valid', () => {
      const reports = llmdReports(RUNS.simulate());
      if (!reports.ok) throw new Error(reports.sentence);
      const text = JSON.stringify(reports.value[0]);
      expect(validate(JSON.parse(text.replaceAll('"units":"ms"', '"units":"fortnights"')))).toBe(false);
      expect(validate(JSON.parse(text.replace('"run":{', '"run":{"nonsense":1,')))).toBe(false);
    });
  },
);

describe('Prometheus text', () => {
  test.each(KINDS)('of a %s run is read again by the parser of endpoints, whole', (_, run) => {
    const text = prometheusText(run(), { kvopt: true });
    if (!text.ok) throw new Error(text.sentence);
    const { families, unread } = parsePrometheus(text.value);
    expect(unread).toBe(0);
    for (const [name, family] of families) {
      expect(family.help ?? name).not.toBe('');
      expect(['gauge', 'counter']).toContain(family.type);
    }
  });

  test('HELP and TYPE stand once before all lines of a name, and base units are used', () => {
    const text = prometheusText(RUNS.load(), { kvopt: true });
    if (!text.ok) throw new Error(text.sentence);
    const lines = text.value.split('\n').filter((line) => line !== '');
    let current = '';
    const seen = new Set<string>();
    for (const line of lines) {
      const [, hash, name = ''] = /^(# (?:HELP|TYPE) )?([a-zA-Z_:][a-zA-Z0-9_:]*)/.exec(line) ?? [];
      if (hash === '# HELP ') {
        expect(seen.has(name)).toBe(false);
        seen.add(name);
        current = name;
      }
      expect(name).toBe(current);
    }
    expect(text.value).toContain('kvlab_ttft_seconds{');
    // 50 and 110 ms: half of two is their middle.
    expect(text.value).toMatch(/kvlab_ttft_seconds\{[^}]*quantile="0\.5"\} 0\.08\n/);
    expect(text.value).toMatch(/kvlab_ttft_mean_seconds\{[^}]*\} 0\.08\n/);
    expect(text.value).toMatch(/kvopt_ttft_ms\{[^}]*\} 80\n/);
    expect(text.value).toMatch(/kvlab_kv_utilization_ratio\{[^}]*\} 0\.5\n/);
    expect(text.value).toMatch(/kvlab_reuse_hits_total\{[^}]*\} 100\n/);
    expect(text.value).toMatch(/kvlab_reuse_misses_total\{[^}]*\} 100\n/);
    expect(text.value).toMatch(/kvlab_preemptions_total\{[^}]*\} 2\n/);
  });

  test('one look at a server’s counters says nothing of what they rose by', () => {
    const run = RUNS.load();
    if (run.kind !== 'load') throw new Error('no load');
    const points = run.points.map((point) => ({
      ...point,
      repetitions: point.repetitions.map((repetition) => ({
        ...repetition,
        measured: { ...repetition.measured, telemetry: repetition.measured.telemetry.slice(0, 1) },
      })),
    }));
    const text = prometheusText({ ...run, points });
    expect(text.ok && text.value).toMatch(/kvlab_requests_total/);
    expect(text.ok && text.value).not.toMatch(/reuse|preemptions/);
  });

  test('bytes of KV: blocks × tokens of a block × bytes of a token', () => {
    const text = prometheusText(RUNS.serve());
    if (!text.ok) throw new Error(text.sentence);
    expect(text.value).toMatch(new RegExp(`kvlab_kv_budget_bytes\\{[^}]*\\} ${12 * 16 * 256}\n`));
    // Of 12 blocks none for 5 ms, 2 for 15 ms and 3 for 20 ms.
    const used = /kvlab_kv_used_bytes\{[^}]*\} (\S+)\n/.exec(text.value)?.[1];
    expect(Number(used) / (16 * 256)).toBeCloseTo((2 * 15 + 3 * 20) / 40, 6);
    const simulated = prometheusText(RUNS.simulate());
    // Llama-3.1-8B in bf16: 131,072 bytes a token.
    expect(simulated.ok && simulated.value).toContain('kvlab_kv_used_bytes{');
  });

  test('names of the issue are there for an autopilot, counters end in _total', () => {
    const text = prometheusText(RUNS.autopilot());
    if (!text.ok) throw new Error(text.sentence);
    for (const name of [
      'kvlab_kv_utilization_ratio',
      'kvlab_host_tier_used_bytes',
      'kvlab_p95_latency_seconds',
      'kvlab_tokens_evicted_total',
      'kvlab_tokens_quantized_total',
      'kvlab_reuse_hits_total',
      'kvlab_reuse_misses_total',
      'kvlab_autopilot_applies_total',
      'kvlab_autopilot_rollbacks_total',
    ]) {
      expect(text.value).toContain(`# TYPE ${name} `);
    }
    for (const { name, type } of METRIC_FAMILIES) expect(name.endsWith('_total')).toBe(type === 'counter');
  });

  test('labels are escaped and say measured or simulated', () => {
    const run = { ...RUNS.load(), model: 'a"b\\c\nd' };
    const text = prometheusText(run);
    if (!text.ok) throw new Error(text.sentence);
    expect(text.value).toContain('model="a\\"b\\\\c\\nd"');
    expect(text.value).toContain('origin="measured"');
    const { families, unread } = parsePrometheus(text.value);
    expect(unread).toBe(0);
    expect(families.size).toBeGreaterThan(5);
  });
});

test('the dashboard asks for every metric that is written, and for no other', () => {
  const text = JSON.stringify(grafanaDashboard());
  const asked = [...text.matchAll(/"expr":"([a-z0-9_]+)\{/g)].map(([, name]) => name);
  expect(new Set(asked)).toEqual(new Set(METRIC_FAMILIES.map(({ name }) => name)));
  expect(asked.length).toBe(METRIC_FAMILIES.length);
});

interface TraceEvent {
  readonly ph: string;
  readonly name: string;
  readonly pid: number;
  readonly tid?: number;
  readonly ts?: number;
  readonly dur?: number;
}

function traceOf(run: Parameters<typeof exportRun>[0]): readonly TraceEvent[] {
  const exported = exportRun(run, 'chrome-trace');
  if (!exported.ok) throw new Error(exported.sentence);
  return JSON.parse(exported.value[0]?.text ?? '').traceEvents;
}

describe('trace for Perfetto', () => {
  test.each(KINDS.filter(([kind]) => kind !== 'imported'))(
    'of a %s run: times in order, slices of one lane never cross',
    (_, run) => {
      const events = traceOf(run());
      const timed = events.filter(({ ts }) => ts !== undefined);
      expect(timed.length).toBeGreaterThan(0);
      const ends = new Map<string, number>();
      let [pid, before] = [0, -Infinity];
      for (const event of timed) {
        if (event.pid !== pid) [pid, before] = [event.pid, -Infinity];
        const ts = event.ts ?? NaN;
        expect(ts).toBeGreaterThanOrEqual(before);
        before = ts;
        if (event.ph !== 'X') continue;
        const lane = `${event.pid}/${event.tid}`;
        expect(ts).toBeGreaterThanOrEqual((ends.get(lane) ?? -Infinity) - 0.01);
        ends.set(lane, ts + (event.dur ?? 0));
      }
    },
  );

  test('rounding to nanoseconds makes no slice reach into the next one', () => {
    const trace = new ProcessTrace('one');
    const [startMs, betweenMs, endMs] = [0.0004006, 0.0010004, 0.002];
    trace.request({}, [
      { name: 'prefill', startMs, endMs: betweenMs },
      { name: 'decode', startMs: betweenMs, endMs },
    ]);
    const slices = trace.events(1).filter(({ ph }) => ph === 'X');
    expect(slices.map(({ ts, dur }) => [ts, dur])).toEqual([
      [0.401, 0.599],
      [1, 1],
    ]);
  });

  test('a request of a load is held back, then waits for its token, then decodes', () => {
    const slices = traceOf(RUNS.load()).filter(({ ph, pid }) => ph === 'X' && pid === 1);
    expect(slices.map(({ name, ts, dur }) => [name, ts, dur])).toEqual([
      ['held back by the client', 0, 0],
      ['to the first token', 0, 50_000],
      ['decode', 50_000, 60_000],
      ['held back by the client', 100_000, 10_000],
      ['to the first token', 110_000, 100_000],
      ['decode', 210_000, 60_000],
    ]);
  });
});

test('every kind of run has every format that its menu offers, or one sentence', () => {
  const runs = [...Object.values(RUNS).map((run) => run()), toyPlanRun(), checkRun()];
  for (const run of runs) {
    for (const format of formatsOf(run.kind)) {
      const exported = exportRun(run, format);
      if (!exported.ok) expect(exported.sentence).toMatch(/^[^\n]{10,400}$/);
      else for (const { text, name } of exported.value) expect([name, text.length > 0]).toEqual([name, true]);
    }
    // What is not in its menu says why.
    for (const format of EXPORT_FORMATS.filter((known) => !formatsOf(run.kind).includes(known))) {
      const exported = exportRun(run, format);
      if (!exported.ok) expect(exported.sentence).toMatch(/^[^\n]{10,400}$/);
    }
  }
});

test('JSON comes back as the same run, an import too', () => {
  for (const run of Object.values(RUNS).map((make) => make())) {
    const exported = exportRun(run, 'json');
    if (!exported.ok) throw new Error(exported.sentence);
    expect(parseRun(exported.value[0]?.text ?? '')).toEqual({ ok: true, run });
  }
});

test('a simulation as settings of vLLM names its model and memory', () => {
  const exported = exportRun(RUNS.simulate(), 'vllm');
  if (!exported.ok) throw new Error(exported.sentence);
  expect(exported.value[0]?.text).toContain('vllm serve');
});

test('code says in a comment which blocks were given by hand, and what was swept', () => {
  const run = RUNS.simulate();
  if (run.kind !== 'simulate') throw new Error('no simulation');
  const scenario = {
    ...run.scenario,
    hardware: { ...run.scenario.hardware, kvBlocks: 2400 },
    sweep: [{ path: 'engine.maxSequences', values: [256, 64] }],
  };
  for (const [target, sign] of [
    ['vllm', '#'],
    ['transformers.js', '//'],
  ] as const) {
    const exported = exportRun({ ...run, scenario }, target);
    if (!exported.ok) throw new Error(exported.sentence);
    const comments = (exported.value[0]?.text ?? '').split('\n').filter((line) => line.startsWith(sign));
    expect(comments.join('\n')).toMatch(
      /2400 KV blocks of 16 tokens[\s\S]*engine\.maxSequences was swept over 256, 64/,
    );
  }
});
