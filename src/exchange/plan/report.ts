/** A plan as a report: what was asked, the answer, what it rests on with the origin of each figure, and the settings. */
import { planFigures } from '../../charts/figures/plan/index.ts';
import { choiceWords, hardwareWords } from '../../charts/figures/plan/subject.ts';
import { formatInterval, formatNumber, formatValue } from '../../charts/format.ts';
import type { Deployment, PlanPhase, PlanRow, PlanRun, PlanSpeed } from '../../core/run/plan.ts';
import type { LengthSettings } from '../../core/scenario/simulate/schema.ts';
import { section, type ReportPart } from '../report/parts.ts';
import { benchmarkCommand } from './benchmark.ts';
import { formatParts } from './report-formats.ts';
import { renderSettings, TARGET_LABELS, type RenderTarget } from './settings.ts';

const MOST_ROWS = 20;

const dollars = (value: number): string => `$${formatNumber(value)}`;
const ms = (value: number): string => formatValue(value, 'ms');
const bytes = (value: number): string => formatValue(value, 'bytes');
const share = (value: number): string => formatValue(value, 'share');

export function planReport(run: PlanRun): ReportPart[] {
  const { deployment } = run;
  return [
    { kind: 'heading', text: run.title === '' ? 'A plan' : run.title, level: 1 },
    ...(run.scenario.about === '' ? [] : [{ kind: 'text', text: run.scenario.about } as const]),
    ...answer(run),
    ...section('What was asked', [{ kind: 'list', items: asked(run) }]),
    ...(deployment === null ? [] : deploymentParts(run, deployment)),
    ...section('Other settings', rowsTable(run.rows)),
    ...section('Settings to paste', run.feasible && deployment !== null ? settings(deployment) : []),
    ...section('Measure it', benchmark(run)),
    ...section('Notes', run.notes.length === 0 ? [] : [{ kind: 'list', items: run.notes }]),
    { kind: 'text', text: provenance(run) },
  ];
}

function answer({ feasible, reason, deployment, explanation }: PlanRun): ReportPart[] {
  const lead =
    feasible && deployment !== null
      ? `${hardwareWords(deployment.choice)}: ${choiceWords(deployment.choice)}.`
      : `This plan does not work. ${reason ?? ''}`;
  return [
    { kind: 'text', text: lead },
    ...(explanation.length === 0 ? [] : [{ kind: 'text', text: explanation.join(' ') } as const]),
  ];
}

function lengthWords(lengths: LengthSettings): string {
  if (lengths.kind === 'fixed') return `${lengths.tokens} tokens`;
  const { kind, ...rest } = lengths;
  const numbers = Object.entries(rest).flatMap(([name, value]) =>
    typeof value === 'number' ? [`${name} ${formatNumber(value)}`] : [],
  );
  return `${kind} (${numbers.join(', ')})`;
}

function asked({ scenario }: PlanRun): string[] {
  const { load, goal, constraints } = scenario;
  const rate =
    load.rate !== null
      ? `${formatNumber(load.rate)} requests/s`
      : load.concurrency !== null
        ? `${load.concurrency} requests in flight`
        : 'as many requests as it carries';
  const p = `p${formatNumber(constraints.percentile * 100)}`;
  const limits = [
    ...(constraints.ttftMs === null ? [] : [`TTFT ${p} at most ${ms(constraints.ttftMs)}`]),
    ...(constraints.tpotMs === null ? [] : [`TPOT ${p} at most ${ms(constraints.tpotMs)}`]),
    ...(constraints.e2eMs === null ? [] : [`an answer ${p} at most ${ms(constraints.e2eMs)}`]),
    ...(constraints.costPerHour === null ? [] : [`at most ${dollars(constraints.costPerHour)} an hour`]),
    ...(constraints.maxGpus === null ? [] : [`at most ${constraints.maxGpus} GPUs`]),
    ...(constraints.qualityLossPercent === null
      ? []
      : [`at most ${constraints.qualityLossPercent} % of quality lost`]),
  ];
  return [
    `Model ${scenario.architecture?.name ?? scenario.model}`,
    `${rate}; prompts ${lengthWords(load.promptTokens)}, outputs ${lengthWords(load.outputTokens)}`,
    `Goal: ${goal.kind}`,
    ...(limits.length === 0 ? [] : [`Limits: ${limits.join('; ')}`]),
  ];
}

function deploymentParts(run: PlanRun, deployment: Deployment): ReportPart[] {
  const { memory, speed } = deployment;
  return [
    { kind: 'figures', figures: planFigures(run) },
    ...section('Memory of a GPU', [
      { kind: 'text', text: memory.verdict },
      {
        kind: 'table',
        head: ['', 'Bytes', 'Formula', 'Origin', 'Source'],
        rows: memory.steps.map((step) => [
          step.label,
          bytes(step.bytes),
          step.formula,
          step.origin,
          step.source,
        ]),
      },
      ...(memory.remedies.length === 0 ? [] : [{ kind: 'list', items: memory.remedies } as const]),
    ]),
    ...section('Speed', speed === null ? [] : speedParts(speed)),
    ...section('Formats, each alone', formatParts(deployment.formats)),
    ...section('Cost, energy, quality', costParts(deployment)),
  ];
}

function speedParts(speed: PlanSpeed): ReportPart[] {
  const { interval, phases } = speed;
  const rows = [
    ['Requests in flight on a replica', formatNumber(speed.batch), ''],
    ['TTFT, mean', ms(speed.ttftMs), formatInterval(...interval.ttftMs, 'ms')],
    ['TTFT, at the percentile', ms(speed.ttftTailMs), ''],
    ['TPOT, mean', ms(speed.tpotMs), formatInterval(...interval.tpotMs, 'ms')],
    ['TPOT, at the percentile', ms(speed.tpotTailMs), ''],
    ['A whole answer', ms(speed.e2eMs), ''],
    [
      'Output',
      formatValue(speed.outputTokensPerSecond, 'tokens/s'),
      formatInterval(...interval.outputTokensPerSecond, 'tokens/s'),
    ],
    ['Requests', formatValue(speed.requestsPerSecond, 'requests/s'), ''],
    ['The most it could carry', formatValue(speed.maxRequestsPerSecond, 'requests/s'), ''],
  ];
  const phase = (name: string, one: PlanPhase): string[] => [
    name,
    formatValue(one.arithmeticIntensity, 'FLOP/B'),
    formatValue(one.ridge, 'FLOP/B'),
    one.bound,
    share(one.mfu),
    share(one.mbu),
  ];
  return [
    { kind: 'table', head: ['', 'Predicted', '80 % band'], rows },
    {
      kind: 'table',
      head: ['Phase', 'Intensity', 'Ridge', 'Bound by', 'MFU', 'MBU'],
      rows: [phase('Prefill', phases.prefill), phase('Decode', phases.decode)],
    },
    { kind: 'text', text: `${speed.origin}: ${speed.about}` },
  ];
}

function costParts({ cost, energy, quality, prefixCache }: Deployment): ReportPart[] {
  const loss = quality.lossPercent === null ? 'nobody measured it' : `${formatNumber(quality.lossPercent)} %`;
  const rows = [
    ...(cost === null
      ? [['Cost', 'no price is published, and none was given', '']]
      : [
          ['An hour', dollars(cost.perHour), cost.priceSource],
          ['A month', dollars(cost.perMonth), ''],
          ['A request', dollars(cost.perRequest), ''],
          ['A million input tokens', dollars(cost.perMillionInputTokens), ''],
          ['A million output tokens', dollars(cost.perMillionOutputTokens), ''],
          ['Utilization', share(cost.utilization), ''],
          ...(cost.breakEven === null
            ? []
            : [['Cheaper than the API from', formatValue(cost.breakEven, 'tokens/s'), '']]),
        ]),
    ...(energy === null
      ? []
      : [
          ['Energy of an output token', formatValue(energy.joulesPerOutputToken, 'J'), energy.source],
          [
            'Carbon of a million output tokens',
            formatValue(energy.gramsCo2PerMillionOutputTokens, 'g CO₂e'),
            '',
          ],
        ]),
    ...(prefixCache === null
      ? []
      : [['Prompt tokens found in the prefix cache', share(prefixCache.hitRatio), 'simulated']]),
    ['Quality lost against bf16', loss, `${quality.origin}: ${quality.source}`],
  ];
  return [{ kind: 'table', head: ['', '', 'Source'], rows }];
}

function rowsTable(rows: readonly PlanRow[]): ReportPart[] {
  if (rows.length === 0) return [];
  const cell = (value: number | null, words: (value: number) => string): string =>
    value === null ? '–' : words(value);
  const shown = rows
    .slice(0, MOST_ROWS)
    .map(({ choice, ...row }) => [
      `${hardwareWords(choice)}${row.pareto ? ' *' : ''}`,
      `${choice.weights}, ${choice.kvFormat} KV`,
      String(choice.replicas),
      cell(row.ttftMs, ms),
      cell(row.tpotMs, ms),
      cell(row.costPerHour, dollars),
      cell(row.costPerMillionOutputTokens, dollars),
      row.reason ?? '',
    ]);
  return [
    {
      kind: 'table',
      head: ['Hardware', 'Formats', 'Replicas', 'TTFT', 'TPOT', '$/h', '$/M output', 'Why not'],
      rows: shown,
    },
    {
      kind: 'text',
      text: `${rows.length > MOST_ROWS ? `The first ${MOST_ROWS} of ${rows.length}. ` : ''}An asterisk: not beaten in cost, latency, throughput and quality together.`,
    },
  ];
}

function settings({ choice, memory }: Deployment): ReportPart[] {
  const target: RenderTarget = choice.engine;
  const { text, language } = renderSettings(choice, target, { weightsBytes: memory.weightsBytes });
  return [
    { kind: 'text', text: TARGET_LABELS[target] },
    { kind: 'code', text, language },
  ];
}

function benchmark(run: PlanRun): ReportPart[] {
  const command = run.feasible ? benchmarkCommand(run) : null;
  return command === null
    ? []
    : [
        { kind: 'code', text: command.text, language: command.language },
        {
          kind: 'text',
          text: 'Its result can be held against this plan: kvlab validate PLAN measured.json.',
        },
      ];
}

function provenance({ origin, id, createdAt, command, searched }: PlanRun): string {
  const when = createdAt === '' ? '' : `, ${createdAt}`;
  return `KV Lab, ${origin}${when}, plan ${id}${command === null ? '' : `: ${command}`}. ${searched.candidates} settings were looked at, ${searched.infeasible} cannot work.`;
}
