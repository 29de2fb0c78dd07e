/**
 * The planner of actions: which target calls for something, and what reaches it with the least expected loss.
 *
 * Deterministic: the same view and policy give the same plan, to the byte. It stops at the target, counts no byte twice,
 * touches nothing pinned or recent, and says in a sentence why a plan is empty or does not reach.
 */
import type { PlannedAction } from '../../core/run/autopilot.ts';
import type { AutopilotPolicy } from '../../core/scenario/autopilot/policy.ts';
import { parseScore } from '../score/index.ts';
import { aimOf, causeOf, percent, type Cause } from './causes.ts';
import {
  loosen,
  shrinkPrefixCache,
  tightenForLatency,
  tightenForMemory,
  type LimitAction,
} from './limits.ts';
import { actionOf } from './methods.ts';
import { leftAlone, type LeftAlone } from './segments.ts';
import type { Choice } from './pricer.ts';
import { chooseActions } from './select.ts';
import type { PlanView } from './view.ts';

export { aimOf, causeOf, percent, type Cause } from './causes.ts';
export { classOf, NOTHING_LEARNED, viewOf, type ActionClass, type Learned, type PlanView } from './view.ts';

export interface Plan {
  readonly actions: readonly PlannedAction[];
  /** Which target called for it, in a sentence. */
  readonly cause: string;
  readonly causeKind: Cause['kind'];
  /** Whether the target is reached when all of it is done; true where nothing was called for. */
  readonly reaches: boolean;
  /** What the plan does, or why it is empty or does not reach. */
  readonly sentence: string;
}

function limitAction({ action, freesBytes, reason }: LimitAction): PlannedAction {
  return { action, freesBytes, risk: 0, riskOrigin: 'assumed', reason };
}

function tokenAction({ segment, step, freesBytes }: Choice, policy: AutopilotPolicy): PlannedAction {
  const { sequence, from, to } = segment;
  const tokens = to - from;
  const risk = Math.round(step.risk * 1000) / 1000;
  return {
    action: actionOf(step.method, sequence, from, to),
    freesBytes,
    risk: tokens * step.risk,
    riskOrigin: step.origin,
    reason: `${tokens} tokens at a risk of ${risk} each (${step.origin}); first by ${policy.eviction}.`.slice(
      0,
      300,
    ),
  };
}

function plan(cause: Cause, actions: readonly PlannedAction[], reaches: boolean, sentence: string): Plan {
  return { actions, cause: cause.sentence, causeKind: cause.kind, reaches, sentence };
}

const ALONE: Readonly<Record<LeftAlone, string>> = {
  ended: 'have ended',
  pinned: 'are pinned',
  short: 'are shorter than minSequenceTokens',
  recent: 'hold no more than keepRecentTokens',
  elsewhere: 'lie below minSequenceUse in the GPU’s memory',
};

/** What stands in the way, in a few words. */
function obstacles(view: PlanView, policy: AutopilotPolicy): string {
  const holding = view.sequences.filter(({ gpuBytes }) => gpuBytes > 0);
  if (holding.length === 0) return 'no sequence holds any KV';
  const counts = new Map<LeftAlone, number>();
  for (const state of holding) {
    const why = leftAlone(state, policy);
    if (why !== null) counts.set(why, (counts.get(why) ?? 0) + 1);
  }
  const words = [...counts].map(([why, count]) => `${count} of ${holding.length} sequences ${ALONE[why]}`);
  if (view.barred.size > 0) words.push(`put aside after a rollback: ${[...view.barred].join(', ')}`);
  return words.length === 0 ? 'all that the policy allows is done already' : words.join('; ');
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1e4) / 100} MB`;
}

function memoryPlan(cause: Cause & { kind: 'memory' }, view: PlanView, policy: AutopilotPolicy): Plan {
  const { needBytes } = cause;
  const mayShrink = policy.actionPriority.includes('prefixCache') && view.capabilities.has('prefixCache');
  const free = mayShrink ? shrinkPrefixCache(view, needBytes).map(limitAction) : [];
  const missing = needBytes - sum(free);
  const room = policy.maxActions - free.length;
  const score = parseScore(policy.eviction);
  const chosen =
    missing > 0 && room > 0 && score.ok ? chooseActions(view, policy, score.value, missing, room) : [];
  const tokens = chosen.map((choice) => tokenAction(choice, policy));
  const reaches = sum(free) + sum(tokens) >= needBytes;
  const limits = tightenForMemory(view, policy, reaches).map(limitAction);
  const kept = Math.max(0, policy.maxActions - free.length - tokens.length);
  const actions = [...free, ...tokens, ...limits.slice(0, kept)];
  return plan(cause, actions, reaches, memorySentence(actions, reaches, needBytes, view, policy));
}

function sum(actions: readonly PlannedAction[]): number {
  return actions.reduce((total, { freesBytes }) => total + freesBytes, 0);
}

function memorySentence(
  actions: readonly PlannedAction[],
  reaches: boolean,
  needBytes: number,
  view: PlanView,
  policy: AutopilotPolicy,
): string {
  const { kvBytes, kvBudgetBytes } = view.telemetry;
  const after = percent((kvBytes - sum(actions)) / Math.max(1, kvBudgetBytes));
  if (actions.length === 0) {
    return `Nothing can be done: ${megabytes(needBytes)} would have to go, and ${obstacles(view, policy)}.`;
  }
  const count = `${actions.length} ${actions.length === 1 ? 'action frees' : 'actions free'} ${megabytes(sum(actions))}`;
  if (reaches)
    return `${count} and bring the KV use to ${after}.`.replace(
      /frees (.*) and bring /,
      'frees $1 and brings ',
    );
  const meanwhile = view.growthBytes > 0 && policy.priority !== 'low' ? ' with what comes meanwhile' : '';
  const full =
    actions.length >= policy.maxActions ? `maxActions is ${policy.maxActions}` : obstacles(view, policy);
  return `${count}, to ${after}; ${percent(aimOf(policy))} is not reached${meanwhile}: ${full}.`;
}

function limitPlan(cause: Cause, actions: readonly LimitAction[], otherwise: string): Plan {
  const sentence = actions.length === 0 ? otherwise : actions.map(({ reason }) => reason).join(' ');
  return plan(cause, actions.map(limitAction), actions.length > 0, sentence.slice(0, 300));
}

/** The plan for what is seen now. */
export function planActions(view: PlanView, policy: AutopilotPolicy): Plan {
  const cause = causeOf(view.telemetry, policy, view.growthBytes);
  switch (cause.kind) {
    case 'memory':
      return memoryPlan(cause, view, policy);
    case 'latency':
      return limitPlan(
        cause,
        tightenForLatency(view, policy),
        'Nothing in actionPriority lowers latency now; fetch, chunk and concurrency do, the last where nobody waits.',
      );
    case 'slack': {
      const actions = loosen(view, policy);
      return {
        ...limitPlan(cause, actions, 'Nothing to do: no limit was tightened and nothing is offloaded.'),
        reaches: true,
      };
    }
    case 'none':
      return plan(cause, [], true, cause.sentence);
    default:
      return cause satisfies never;
  }
}
