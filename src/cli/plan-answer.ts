/** What `plan` answers: the document of --json, and the same as text. */
import { benchmarkCommand, renderSettings, type RenderTarget } from '../index.ts';
import { fleetOf, type Deployment, type PlanRow, type PlanRun } from '../plan/index.ts';
import { formatsTable } from './plan-formats.ts';
import { table } from './tables.ts';

/** The command that starts a replica, in the engine's own words; or the sentence why it has none for this plan. */
function flagsOf({ choice, memory }: Deployment): string {
  const target: RenderTarget = choice.engine;
  try {
    return renderSettings(choice, target, { weightsBytes: memory.weightsBytes }).text;
  } catch (error) {
    if (error instanceof Error) return `# ${error.message}\n`;
    throw error;
  }
}

/** GPUs that people are shown: the best of each. */
const SHOWN_ROWS = 15;
/** Of prompts that have nothing in common, or of an engine that keeps nothing of them. */
const NOTHING_SHARED: NonNullable<Deployment['prefixCache']> = {
  hitRatio: 0,
  ttftSaved: 0,
  memorySaved: 0,
  throughputRatio: 1,
};

/** Rows of a search that are answered. */
const ANSWERED_ROWS = 50;

export function planAnswer(run: PlanRun): object {
  const { deployment, feasible, reason, rows, searched, explanation, notes } = run;
  const speed = deployment?.speed ?? null;
  return {
    feasible,
    ...(reason === null ? {} : { reason }),
    ...(deployment === null
      ? {}
      : {
          choice: deployment.choice,
          memory: deployment.memory,
          batch: speed?.batch ?? null,
          ttftMs: speed?.ttftMs ?? null,
          tpotMs: speed?.tpotMs ?? null,
          e2eMs: speed?.e2eMs ?? null,
          ttftTailMs: speed?.ttftTailMs ?? null,
          tpotTailMs: speed?.tpotTailMs ?? null,
          outputTokensPerSecond: speed?.outputTokensPerSecond ?? null,
          requestsPerSecond: speed?.requestsPerSecond ?? null,
          maxRequestsPerSecond: speed?.maxRequestsPerSecond ?? null,
          costPerMillionOutputTokens: deployment.cost?.perMillionOutputTokens ?? null,
          interval: speed?.interval ?? null,
          flags: feasible ? flagsOf(deployment) : null,
          benchmark: feasible ? (benchmarkCommand(run)?.text ?? null) : null,
          phases: speed?.phases ?? null,
          operations: speed?.operations ?? [],
          prefixCache: deployment.prefixCache ?? NOTHING_SHARED,
          cost: deployment.cost,
          energy: deployment.energy,
          quality: deployment.quality,
          formats: deployment.formats ?? [],
          about: speed?.about ?? null,
        }),
    origin: run.origin,
    explanation,
    notes,
    searched,
    rows: rows.slice(0, ANSWERED_ROWS),
    command: run.command,
  };
}

const ms = (value: number): string => `${value < 10 ? value.toFixed(2) : value.toFixed(0)} ms`;
const dollars = (value: number): string => `$${value < 1 ? value.toFixed(4) : value.toFixed(2)}`;
const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(2)} GB`;

export function planText(run: PlanRun): string {
  const { deployment, feasible, reason, explanation, rows } = run;
  const parts = [feasible ? '' : `This plan does not work. ${reason ?? ''}\n\n`];
  if (deployment !== null) parts.push(table(deploymentRows(deployment)));
  if (deployment?.memory.remedies.length && !feasible) {
    parts.push(`\nSmallest changes that make it fit: ${deployment.memory.remedies.join('; ')}.\n`);
  }
  if (explanation.length > 0) parts.push('\n', ...explanation.map((sentence) => `${sentence}\n`));
  if (feasible && deployment?.formats) parts.push('\n', formatsTable(deployment.formats));
  if (rows.length > 0) parts.push('\n', rowsTable(fleetOf(run).slice(0, SHOWN_ROWS)));
  const flags = feasible && deployment !== null ? flagsOf(deployment) : null;
  if (flags !== null) parts.push(`\n${flags}`);
  const benchmark = feasible ? benchmarkCommand(run) : null;
  if (benchmark !== null) parts.push(`\nTo measure it:\n${benchmark.text}`);
  for (const note of run.notes) parts.push(`\n${note}\n`);
  return parts.join('');
}

function deploymentRows({ choice, memory, speed, cost, energy, quality }: Deployment): string[][] {
  const shape = `${choice.gpus} × ${choice.gpuName}, ${choice.replicas} × (TP ${choice.tensorParallel} × PP ${choice.pipelineParallel})`;
  const rows = [
    ['model', `${choice.model}, ${choice.weights} weights, ${choice.kvFormat} KV, ${choice.engine}`],
    ['hardware', shape],
    ['memory', memory.verdict],
    ['weights', `${gigabytes(memory.weightsBytes)} a GPU`],
  ];
  if (speed !== null) {
    const [low, high] = speed.interval.tpotMs;
    rows.push(
      ['in flight', `${speed.batch.toFixed(1)} a replica`],
      ['TTFT', `${ms(speed.ttftMs)}, tail ${ms(speed.ttftTailMs)}`],
      ['TPOT', `${ms(speed.tpotMs)} (80 % of measurements within ${ms(low)} to ${ms(high)})`],
      [
        'output',
        `${speed.outputTokensPerSecond.toFixed(0)} tok/s, ${speed.requestsPerSecond.toFixed(2)} requests/s of ${speed.maxRequestsPerSecond.toFixed(2)}`,
      ],
      [
        'decode',
        `bound by ${speed.phases.decode.bound}, MFU ${percent(speed.phases.decode.mfu)}, MBU ${percent(speed.phases.decode.mbu)}`,
      ],
    );
  }
  if (cost !== null) {
    rows.push([
      'cost',
      `${dollars(cost.perHour)} an hour, ${dollars(cost.perMillionOutputTokens)} per M output tokens (${cost.priceSource})`,
    ]);
  }
  if (energy !== null) rows.push(['energy', `${energy.joulesPerOutputToken.toFixed(2)} J an output token`]);
  if (quality.lossPercent !== null)
    rows.push(['quality', `${quality.lossPercent} % lost (${quality.source})`]);
  return rows;
}

const percent = (share: number): string => `${(share * 100).toFixed(0)} %`;

/** A search's table: what was looked at beside the choice. */
export function rowsTable(rows: readonly PlanRow[]): string {
  const head = ['GPU', 'GPUs', 'TP', 'weights', 'KV', 'TTFT', 'TPOT', 'tok/s', '$/h', '$/M out', 'why not'];
  const cells = rows.map((row) => [
    row.choice.gpuName,
    String(row.choice.gpus),
    String(row.choice.tensorParallel),
    row.choice.weights,
    row.choice.kvFormat,
    row.ttftMs === null ? '–' : ms(row.ttftMs),
    row.tpotMs === null ? '–' : ms(row.tpotMs),
    row.outputTokensPerSecond === null ? '–' : row.outputTokensPerSecond.toFixed(0),
    row.costPerHour === null ? '–' : dollars(row.costPerHour),
    row.costPerMillionOutputTokens === null ? '–' : dollars(row.costPerMillionOutputTokens),
    row.feasible ? (row.pareto ? 'on the Pareto front' : '') : (row.reason ?? ''),
  ]);
  return table([head, ...cells]);
}
