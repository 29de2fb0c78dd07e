/**
 * llm-d's benchmark report, version 0.2: JSON or YAML, one stage of one run.
 *
 * The report keeps the harness's own figures, so what its time_per_output_token means depends on who measured:
 * GuideLLM's counts the first token in. Units stand beside each figure.
 * llm-d/llm-d-benchmark benchmark-report/llmd_benchmark_report/native_to_br0_2_1.py @ dfe7a426c6b4.
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

const ROOT = 'results.request_performance.aggregate';

const SCALES: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  'ms/token': 1,
  's/token': 1000,
};

/** A latency by its own unit; one of an unknown unit is not read. */
function timeOf(document: Json, name: string): MeasuredDistribution {
  const path = `${ROOT}.latency.${name}`;
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
  return null;
}

function pointOf(document: Json): Read<MeasuredResult[]> {
  const [ttftMs, e2eMs] = [timeOf(document, 'time_to_first_token'), timeOf(document, 'request_latency')];
  if (isEmpty(ttftMs) && isEmpty(e2eMs)) {
    return refused(
      'This llm-d report has neither time_to_first_token nor request_latency in ms or s; take one of a finished stage.',
    );
  }
  const harness = textAt(document, 'scenario.load.standardized.tool', 80);
  const guidellm = /guidellm/i.test(harness ?? '');
  const load = 'scenario.load.standardized';
  const rate = numberAt(document, `${load}.rate_qps`);
  const concurrency = numberAt(document, `${load}.concurrency`);
  const failed = numberAt(document, `${ROOT}.requests.failures`);
  const total = numberAt(document, `${ROOT}.requests.total`);
  const incomplete = numberAt(document, `${ROOT}.requests.incomplete`) ?? 0;
  return {
    ok: true,
    value: [
      {
        tool: 'llm-d',
        toolVersion: textAt(document, 'version', 80),
        model: modelOf(document),
        date: textAt(document, 'run.time.start', 60),
        label: loadLabel(rate, concurrency, numberAt(document, `${load}.stage`) ?? 0),
        load: {
          requestsPerSecond: rate,
          concurrency,
          promptTokens:
            numberAt(document, `${ROOT}.requests.input_length.mean`) ??
            numberAt(document, `${load}.input_seq_len.value`),
          outputTokens:
            numberAt(document, `${ROOT}.requests.output_length.mean`) ??
            numberAt(document, `${load}.output_seq_len.value`),
        },
        requests: {
          finished: total === null ? null : Math.max(0, total - (failed ?? 0) - incomplete),
          failed,
        },
        durationSeconds: secondsOf(textAt(document, 'run.time.duration', 60)),
        ttftMs,
        tpotMs: timeOf(document, guidellm ? 'inter_token_latency' : 'time_per_output_token'),
        itlMs: guidellm ? NO_DISTRIBUTION : timeOf(document, 'inter_token_latency'),
        e2eMs,
        requestsPerSecond: numberAt(document, `${ROOT}.throughput.request_rate.mean`),
        outputTokensPerSecond: numberAt(document, `${ROOT}.throughput.output_token_rate.mean`),
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
    isJsonObject(at(document, 'results.request_performance')) && isJsonObject(at(document, 'run')),
  read: pointOf,
};
