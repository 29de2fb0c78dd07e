/**
 * llm-d's benchmark report, version 0.2.1: one document for each repetition of a point.
 *
 * Schema and names: llm-d/llm-d-benchmark benchmark-report/llmd_benchmark_report/schema_v0_2_1.py @ 983dcd01f6b7. Its
 * `time_per_output_token` is our TPOT, `inter_token_latency` our ITL, `normalized_time_per_output_token` is end to end over
 * output tokens, which is left out: a mean of ratios cannot be had from means. Every figure carries its unit; what a run
 * does not have is left out.
 */
import type { Json, JsonObject, Read } from '../../core/json.ts';
import type { Run } from '../../core/run/schema.ts';
import { FACT_STATISTICS, type FactDistribution, type FactStatistic, type RunFact } from '../facts/fact.ts';
import { factsOf } from '../facts/of-run.ts';
import { telemetrySeries } from './llm-d-series.ts';

export const LLM_D_VERSION = '0.2.1';

const KEYS: Readonly<Record<FactStatistic, string>> = {
  mean: 'mean',
  min: 'min',
  p50: 'p50',
  p90: 'p90',
  p95: 'p95',
  p99: 'p99',
  p999: 'p99p9',
  max: 'max',
};

/** A distribution; undefined without a mean, which the schema asks for. */
function statistics(units: string, found: FactDistribution | null): JsonObject | undefined {
  if (found === null || found.mean === null) return undefined;
  const values = FACT_STATISTICS.flatMap((name): [string, Json][] => {
    const value = found[name];
    return value === null ? [] : [[KEYS[name], value]];
  });
  return { units, ...Object.fromEntries(values) };
}

function single(units: string, mean: number | null): JsonObject | undefined {
  return mean === null ? undefined : { units, mean };
}

/** An object without what is undefined; undefined where nothing is left. */
function filled(values: JsonObject): JsonObject | undefined {
  const there = Object.entries(values).filter(([, value]) => value !== undefined);
  return there.length === 0 ? undefined : Object.fromEntries(there);
}

function aggregate(fact: RunFact): JsonObject {
  const { times, requests } = fact;
  const rates = {
    input_token_rate: single('tokens/s', fact.promptTokensPerSecond),
    output_token_rate: single('tokens/s', fact.outputTokensPerSecond),
    total_token_rate: single('tokens/s', totalRate(fact)),
    request_rate: single('queries/s', fact.requestsPerSecond),
  };
  const latency = {
    time_to_first_token: statistics('ms', times.ttftMs),
    time_per_output_token: statistics('ms/token', times.tpotMs),
    inter_token_latency: statistics('ms/token', times.itlMs),
    request_latency: statistics('ms', times.e2eMs),
  };
  return {
    requests:
      requests === null
        ? undefined
        : filled({
            total: Math.round(requests),
            failures: fact.failed === null ? undefined : Math.round(fact.failed),
            incomplete: incomplete(fact),
            input_length: single('count', fact.promptTokens),
            output_length: single('count', fact.outputTokens),
          }),
    latency: filled(latency),
    throughput: filled(rates),
  };
}

function totalRate({ promptTokensPerSecond, outputTokensPerSecond }: RunFact): number | null {
  if (promptTokensPerSecond === null || outputTokensPerSecond === null) return null;
  return promptTokensPerSecond + outputTokensPerSecond;
}

function incomplete({ requests, finished, failed }: RunFact): number | undefined {
  if (requests === null || finished === null) return undefined;
  return Math.max(0, Math.round(requests - finished - (failed ?? 0)));
}

/** Duration as ISO 8601 has it. */
function isoDuration(ms: number): string {
  return `PT${Number((ms / 1000).toFixed(3))}S`;
}

function engineOf(fact: RunFact): JsonObject {
  const { engine, hardware, model } = fact;
  const tool = { tool: engine.name, tool_version: engine.version ?? 'unknown' };
  if (hardware === null || model === null) {
    return { kind: 'generic', ...tool, ...(model === null ? {} : { model: { name: model } }) };
  }
  const { gpu, gpus, replicas, tensorParallel: tp, pipelineParallel: pp } = hardware;
  return {
    kind: 'inference_engine',
    ...tool,
    role: 'replica',
    replicas,
    model: { name: model },
    accelerator: { model: gpu, count: gpus, parallelism: { tp, pp } },
  };
}

const COMPONENT = 'engine';

function stack(run: Run, fact: RunFact): Json[] {
  return [
    {
      metadata: { schema_version: '0.0.1', label: COMPONENT, cfg_id: run.id },
      standardized: engineOf(fact),
      native: { args: { ...fact.settings } },
    },
  ];
}

/** undefined where the length of a prompt, which the schema asks for, is not known. */
function loadOf(run: Run, fact: RunFact): JsonObject | undefined {
  if (fact.promptTokens === null) return undefined;
  const length = (value: number): JsonObject => ({ distribution: 'other', value });
  return {
    metadata: { schema_version: '0.0.1', cfg_id: run.id, description: fact.label },
    standardized: {
      tool: run.kind === 'imported' ? run.tool : 'kvlab',
      tool_version: toolVersion(run),
      source: run.kind === 'imported' ? 'unknown' : 'random',
      stage: fact.point,
      input_seq_len: length(fact.promptTokens),
      ...(fact.outputTokens === null ? {} : { output_seq_len: length(fact.outputTokens) }),
      ...(fact.requestRate === null || fact.requestRate <= 0 ? {} : { rate_qps: fact.requestRate }),
      ...(fact.concurrency === null || fact.concurrency < 1 ? {} : { concurrency: fact.concurrency }),
    },
    native: { args: { ...fact.settings } },
  };
}

function toolVersion(run: Run): string {
  if (run.kind === 'imported') return run.points[0]?.toolVersion ?? 'unknown';
  if ('appVersion' in run) return run.appVersion;
  return run.kind === 'plan' ? 'unknown' : (run.environment?.appVersion ?? 'unknown');
}

function observability(run: Run, fact: RunFact): JsonObject | undefined {
  const hits =
    fact.lookedUpTokens === null || fact.hitTokens === null || fact.lookedUpTokens === 0
      ? null
      : fact.hitTokens / fact.lookedUpTokens;
  const use =
    fact.kvUseMean === null
      ? undefined
      : {
          units: 'fraction',
          mean: fact.kvUseMean,
          ...(fact.kvUsePeak === null ? {} : { max: fact.kvUsePeak }),
        };
  const metrics = filled({
    kv_cache_usage: use,
    cache_hit_rate: single('fraction', hits),
    preemptions: single('count', fact.preemptions),
  });
  const series = telemetrySeries(run, fact);
  if (metrics === undefined && series === undefined) return undefined;
  const component = filled({ component_label: COMPONENT, aggregate: metrics, time_series: series });
  return { components: component === undefined ? [] : [component] };
}

function reportOf(run: Run, fact: RunFact): JsonObject {
  const keywords = ['kvlab', run.kind, fact.origin];
  return {
    version: LLM_D_VERSION,
    run: {
      uid: `${run.id}-${fact.point}-${fact.repetition}`,
      eid: run.id,
      ...(fact.durationMs === null ? {} : { time: { duration: isoDuration(fact.durationMs) } }),
      // A simulated figure must never pass for a measured one in another tool.
      description: `${run.title}: ${fact.label} (${fact.origin} by ${run.kind === 'imported' ? run.tool : 'KV Lab'})`,
      keywords,
    },
    scenario: filled({ stack: stack(run, fact), load: loadOf(run, fact) }),
    results:
      filled({
        request_performance: requestPerformance(fact),
        observability: observability(run, fact),
      }) ?? {},
  };
}

function requestPerformance(fact: RunFact): JsonObject | undefined {
  const found = filled(aggregate(fact));
  return found === undefined ? undefined : { aggregate: found };
}

/** A report for each repetition of each point. */
export function llmdReports(run: Run): Read<readonly JsonObject[]> {
  const facts = factsOf(run);
  return facts.ok ? { ok: true, value: facts.value.map((fact) => reportOf(run, fact)) } : facts;
}
