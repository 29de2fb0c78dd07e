/** `kvlab models`: the models that plans know, all about one, or which of them a GPU can serve. */
import {
  ALL_MODELS,
  findModelRecord,
  modelFacts,
  modelsFor,
  PlanError,
  type ModelFacts,
  type ModelOnGpu,
} from '../../plan/index.ts';
import { InputError } from '../errors.ts';
import { loadPlan } from '../plan-scenario.ts';
import { table } from '../tables.ts';
import type { CommandContext, Outcome } from './command.ts';

export function models({ invocation, terminal }: CommandContext): Outcome {
  const { scenario: name, json } = invocation;
  if (name !== null) {
    const record = findModelRecord(name);
    if (!record.ok) throw new InputError(record.sentence);
    const facts = modelFacts(record.value);
    terminal.answer(json ? `${JSON.stringify({ ...facts, architecture: record.value })}\n` : oneText(facts));
    return 'done';
  }
  if (invocation.given('gpu') !== null) return onGpu({ invocation, terminal });
  const filter = invocation.given('filter')?.toLowerCase() ?? '';
  const found = ALL_MODELS.filter(
    (model) => model.id.includes(filter) || model.name.toLowerCase().includes(filter),
  );
  if (found.length === 0)
    throw new InputError(`No model's name holds “${filter.slice(0, 40)}”; leave --filter out.`);
  const rows = found.map(modelFacts);
  terminal.answer(json ? `${JSON.stringify(rows)}\n` : table([HEAD, ...rows.map(cells)]));
  return 'done';
}

/** What one GPU can serve, the largest first. */
function onGpu({ invocation, terminal }: Pick<CommandContext, 'invocation' | 'terminal'>): Outcome {
  const filter = invocation.given('filter')?.toLowerCase() ?? '';
  try {
    const all = modelsFor(loadPlan(invocation));
    const found = all.filter(({ id, name }) => id.includes(filter) || name.toLowerCase().includes(filter));
    const shown = found.filter(({ fits }) => fits);
    terminal.answer(
      invocation.json ? `${JSON.stringify(found)}\n` : table([GPU_HEAD, ...shown.map(gpuCells)]),
    );
    return 'done';
  } catch (error) {
    if (error instanceof PlanError) throw new InputError(error.message);
    throw error;
  }
}

const GPU_HEAD = [
  'id',
  'parameters',
  'weights',
  'GPUs',
  'KV tokens',
  'TTFT',
  'TPOT',
  'tok/s',
  'quality lost',
];

function gpuCells(row: ModelOnGpu): string[] {
  return [
    row.id,
    billions(row.parameters),
    row.weights,
    String(row.gpus),
    String(row.kvTokens ?? '–'),
    `${(row.ttftMs ?? 0).toFixed(0)} ms`,
    `${(row.tpotMs ?? 0).toFixed(1)} ms`,
    (row.outputTokensPerSecond ?? 0).toFixed(0),
    row.qualityLossPercent === null ? 'not known' : `${row.qualityLossPercent} %`,
  ];
}

const HEAD = ['id', 'name', 'parameters', 'active', 'layers', 'KV B/token', 'longest', 'attention'];

const billions = (parameters: number): string => `${(parameters / 1e9).toFixed(2)} B`;

function cells(facts: ModelFacts): string[] {
  return [
    facts.id,
    facts.name,
    billions(facts.parameters),
    billions(facts.activeParameters),
    String(facts.layers),
    String(facts.kvBytesPerToken),
    String(facts.maxPositionTokens),
    facts.attention,
  ];
}

function oneText(facts: ModelFacts): string {
  return table([
    ['id', facts.id],
    ['name', facts.name],
    ['aliases', facts.aliases.join(', ')],
    ['parameters', `${billions(facts.parameters)}, ${billions(facts.activeParameters)} of them for a token`],
    [
      'weights',
      Object.entries(facts.weightBytes)
        .map(([format, bytes]) => `${format} ${(bytes / 1e9).toFixed(1)} GB`)
        .join(', '),
    ],
    ['layers', `${facts.layers}: ${facts.attention}`],
    ['KV of a token', `${facts.kvBytesPerToken} B in bf16`],
    ['longest request', `${facts.maxPositionTokens} tokens`],
    ['source', facts.source],
  ]);
}
