/**
 * llm-d's benchmark report, versions 0.1 and 0.2: JSON or YAML, one stage of one run.
 *
 * The report keeps the harness's own figures, so what its time_per_output_token means depends on who measured:
 * GuideLLM's counts the first token in. Units stand beside each figure.
 * llm-d/llm-d-benchmark benchmark-report/llmd_benchmark_report/native_to_br0_2_1.py @ dfe7a426c6b4; real reports: 0.2 in
 * llm-d/llm-d guides/wide-ep-lws/README.md @ a7c817b88d7f, 0.1 in zetxqx/llm-d guides/benchmark/README.md.
 */
import { isJsonObject, type Json, type Read } from '../../core/json.ts';
import {
  NO_DISTRIBUTION,
  NO_MEMORY,
  type FigureDefinition,
  type MeasuredDistribution,
  type MeasuredResult,
} from '../../core/run/measured.ts';
import { at, distribution, isEmpty, listAt, loadLabel, numberAt, textAt } from './fields.ts';
import { became, notRead, refused, type JsonImporter } from './importer.ts';

/** Where each version keeps its figures. */
interface Places {
  readonly root: string;
  readonly harness: string;
  readonly requestRate: string;
  readonly outputTokenRate: string;
}

const PLACES: Readonly<Record<'0.1' | '0.2', Places>> = {
  '0.1': {
    root: 'metrics',
    harness: 'scenario.load.name',
    requestRate: 'metrics.throughput.requests_per_sec',
    outputTokenRate: 'metrics.throughput.output_tokens_per_sec',
  },
  '0.2': {
    root: 'results.request_performance.aggregate',
    harness: 'scenario.load.standardized.tool',
    requestRate: 'results.request_performance.aggregate.throughput.request_rate.mean',
    outputTokenRate: 'results.request_performance.aggregate.throughput.output_token_rate.mean',
  },
};

function placesOf(document: Json): Places {
  return PLACES[at(document, 'metrics.latency') === undefined ? '0.2' : '0.1'];
}

const SCALES: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  'ms/token': 1,
  's/token': 1000,
};

/** A latency by its own unit; one of an unknown unit is not read. */
function timeOf(document: Json, name: string): MeasuredDistribution {
  const path = `${placesOf(document).root}.latency.${name}`;
  const scale = SCALES[textAt(document, `${path}.units`) ?? ''];
  if (scale === undefined) return NO_DISTRIBUTION;
  return distribution(document, (statistic) => [`${path}.${statistic}`], scale);
}

const COMMON: readonly FigureDefinition[] = [
  became('time_to_first_token', 'from sending to the first token', 'ttftMs', 'by its unit'),
  became('request_latency', 'from sending to the last token', 'e2eMs', 'by its unit'),
  notRead(
    'normalized_time_per_output_token',
    'end to end / output tokens, the first token’s time included',
    'because it is neither TPOT nor ITL',
  ),
  became('request_rate', 'finished requests over the duration', 'requestsPerSecond'),
  became('output_token_rate', 'output tokens over the duration', 'outputTokensPerSecond'),
];

function definitionsFor(guidellm: boolean): FigureDefinition[] {
  return guidellm
    ? [
        ...COMMON,
        became(
          'inter_token_latency',
          'GuideLLM’s: the mean gap of each request, weighted by its tokens',
          'tpotMs',
          'by its unit',
        ),
        notRead(
          'time_per_output_token',
          'GuideLLM’s: (last token − start) / output tokens, the first token’s time included',
          'because it is neither TPOT nor ITL',
        ),
      ]
    : [
        ...COMMON,
        became(
          'time_per_output_token',
          '(end to end − TTFT) / (output tokens − 1) of each request',
          'tpotMs',
          'by its unit',
        ),
        became(
          'inter_token_latency',
          'the gaps between tokens, of all requests together',
          'itlMs',
          'by its unit',
        ),
      ];
}

function modelOf(document: Json): string | null {
  for (const component of listAt(document, 'scenario.stack') ?? []) {
    const name = textAt(component, 'standardized.model.name');
    if (name !== null) return name;
  }
  const named = textAt(document, 'scenario.model.name');
  return named === 'unknown' ? null : named;
}

function pointOf(document: Json): Read<MeasuredResult[]> {
  const [ttftMs, e2eMs] = [timeOf(document, 'time_to_first_token'), timeOf(document, 'request_latency')];
  if (isEmpty(ttftMs) && isEmpty(e2eMs)) {
    return refused(
      'This llm-d report has neither time_to_first_token nor request_latency in ms or s; take one of a finished stage.',
    );
  }
  const { root, harness: named, requestRate, outputTokenRate } = placesOf(document);
  const harness = textAt(document, named, 80);
  const guidellm = /guidellm/i.test(harness ?? '');
  const load = 'scenario.load.standardized';
  const rate = numberAt(document, `${load}.rate_qps`);
  const concurrency = numberAt(document, `${load}.concurrency`);
  const failed = numberAt(document, `${root}.requests.failures`);
  const total = numberAt(document, `${root}.requests.total`);
  const incomplete = numberAt(document, `${root}.requests.incomplete`) ?? 0;
  return {
    ok: true,
    value: [
      {
        tool: 'llm-d',
        toolVersion: textAt(document, 'version', 80),
        model: modelOf(document),
        date: textAt(document, 'run.time.start', 60),
        label: loadLabel(
          rate,
          concurrency,
          numberAt(document, `${load}.stage`) ?? numberAt(document, 'scenario.load.metadata.stage') ?? 0,
        ),
        load: {
          requestsPerSecond: rate,
          concurrency,
          promptTokens:
            numberAt(document, `${root}.requests.input_length.mean`) ??
            numberAt(document, `${load}.input_seq_len.value`),
          outputTokens:
            numberAt(document, `${root}.requests.output_length.mean`) ??
            numberAt(document, `${load}.output_seq_len.value`),
        },
        requests: {
          finished: total === null ? null : Math.max(0, total - (failed ?? 0) - incomplete),
          failed,
        },
        durationSeconds:
          secondsOf(textAt(document, 'run.time.duration', 60)) ?? numberAt(document, 'metrics.time.duration'),
        ttftMs,
        tpotMs: timeOf(document, guidellm ? 'inter_token_latency' : 'time_per_output_token'),
        itlMs: guidellm ? NO_DISTRIBUTION : timeOf(document, 'inter_token_latency'),
        e2eMs,
        requestsPerSecond: numberAt(document, requestRate),
        outputTokensPerSecond: numberAt(document, outputTokenRate),
        memory: NO_MEMORY,
        definitions: definitionsFor(guidellm),
        translated: [
          `Measured by ${harness ?? 'a harness that the report does not name'}; its figures keep that harness’s definitions.`,
        ],
      },
    ],
  };
}

/** Of an ISO 8601 duration of hours, minutes and seconds; null for any other. */
function secondsOf(duration: string | null): number | null {
  const match = /^PT(?:(\d+(?:\.\d+)?)H)?(?:(\d+(?:\.\d+)?)M)?(?:(\d+(?:\.\d+)?)S)?$/.exec(duration ?? '');
  if (match === null) return null;
  const [hours = 0, minutes = 0, seconds = 0] = match.slice(1).map((part) => Number(part ?? 0));
  return hours * 3600 + minutes * 60 + seconds;
}

export const LLM_D: JsonImporter = {
  label: 'llm-d benchmark report',
  recognises: (document) =>
    (isJsonObject(at(document, 'results.request_performance')) && isJsonObject(at(document, 'run'))) ||
    (isJsonObject(at(document, 'metrics.latency')) && isJsonObject(at(document, 'scenario.load'))),
  read: pointOf,
};
