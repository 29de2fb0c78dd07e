/**
 * Actions on limits: they lose nothing of what the cache holds, and free little or nothing at once.
 *
 * Above the target the prefix cache shrinks by what is needed, and admission and concurrency keep more from coming; over the
 * latency's target one limit is tightened a plan; far below the targets, what the autopilot tightened is loosened again.
 */
import type { SequencePart } from '../../core/run/autopilot.ts';
import type { KvAction, KvActionKind } from '../../core/scenario/autopilot/action.ts';
import type { AutopilotPolicy } from '../../core/scenario/autopilot/policy.ts';
import { aimOf, percent, SLACK } from './causes.ts';
import type { PlanView } from './view.ts';

export interface LimitAction {
  readonly action: KvAction;
  readonly freesBytes: number;
  readonly reason: string;
}

type Proposal = (view: PlanView, policy: AutopilotPolicy) => LimitAction[];
type Proposals = Readonly<Partial<Record<KvActionKind, Proposal>>>;

/** A smaller step than this serves no sequence well. */
const LEAST_TOKEN_BUDGET = 128;

function priced(view: PlanView, action: KvAction, reason: string): LimitAction[] {
  const answer = view.price(action);
  return answer.ok ? [{ action, freesBytes: answer.freesBytes, reason }] : [];
}

/** The most blocks that the prefix cache may keep so that `need` bytes are freed; none where even that is too little. */
export function shrinkPrefixCache(view: PlanView, need: number): LimitAction[] {
  const frees = (blocks: number): number => {
    const answer = view.price({ kind: 'prefixCache', blocks });
    return answer.ok ? answer.freesBytes : 0;
  };
  const most = frees(0);
  if (most <= 0) return [];
  let [low, high] = [0, 1];
  while (frees(high) > 0 && high < 1_000_000_000) high = Math.min(1_000_000_000, 2 * high);
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (frees(middle) >= Math.min(need, most)) low = middle;
    else high = middle - 1;
  }
  return priced(
    view,
    { kind: 'prefixCache', blocks: low },
    'Blocks of ended sequences are given up; no running one loses any.',
  );
}

const TIGHTEN_MEMORY: Proposals = {
  admission: (view, policy) => {
    const belowUse = Math.round(aimOf(policy) * 1000) / 1000;
    if (view.limits.admissionBelowUse <= belowUse) return [];
    return priced(view, { kind: 'admission', belowUse }, `No sequence starts above ${percent(belowUse)}.`);
  },
};

const TIGHTEN_CONCURRENCY: Proposal = (view, policy) => {
  const { running, kvUse } = view.telemetry;
  const maxSequences = Math.max(1, Math.floor((running * aimOf(policy)) / Math.max(kvUse, 1e-9)));
  if (maxSequences >= view.limits.maxSequences) return [];
  return priced(
    view,
    { kind: 'concurrency', maxSequences },
    `${running} sequences run; ${maxSequences} of their size fit.`,
  );
};

const TIGHTEN_LATENCY: Proposals = {
  fetch: (view, policy) =>
    fetchBack(view, aimOf(policy), 1, 'Tokens that each step reads over the link come back.'),
  chunk: (view) => {
    const { tokenBudget } = view.limits;
    const least = Math.max(LEAST_TOKEN_BUDGET, view.telemetry.running);
    const smaller = Math.max(least, Math.floor(tokenBudget / 2));
    if (smaller >= tokenBudget) return [];
    return priced(
      view,
      { kind: 'chunk', tokenBudget: smaller },
      'Steps become shorter, so that decoding waits less for prompts.',
    );
  },
  concurrency: (view, policy) => {
    const { running, waiting, kvUse } = view.telemetry;
    // Where somebody waits, fewer at a time would only make the line longer; a limit of ours that does it is loosened.
    if (waiting > 0) {
      return kvUse < aimOf(policy)
        ? moreSequences(view, 'Requests wait for places that the limit took away.')
        : [];
    }
    const maxSequences = Math.max(1, Math.floor(0.8 * Math.min(running, view.limits.maxSequences)));
    if (maxSequences >= view.limits.maxSequences || running === 0) return [];
    return priced(view, { kind: 'concurrency', maxSequences }, 'Fewer sequences share each step.');
  },
};

const LOOSEN: Proposals = {
  fetch: (view, policy) =>
    fetchBack(view, aimOf(policy) - SLACK / 2, policy.maxActions, 'There is room again.'),
  admission: ({ limits, initialLimits, ...view }) => {
    if (limits.admissionBelowUse >= initialLimits.admissionBelowUse) return [];
    const action = { kind: 'admission', belowUse: initialLimits.admissionBelowUse } as const;
    return priced({ limits, initialLimits, ...view }, action, 'There is room for new sequences again.');
  },
  concurrency: (view) => moreSequences(view, 'There is room for more sequences again.'),
  chunk: (view) => {
    const { limits, initialLimits } = view;
    const tokenBudget = Math.min(initialLimits.tokenBudget, 2 * limits.tokenBudget);
    if (tokenBudget <= limits.tokenBudget) return [];
    return priced(view, { kind: 'chunk', tokenBudget }, 'Latency leaves room for longer steps again.');
  },
  prefixCache: (view) => {
    const { limits, initialLimits } = view;
    if (limits.prefixCacheBlocks === initialLimits.prefixCacheBlocks || limits.prefixCacheBlocks === null)
      return [];
    const action = { kind: 'prefixCache', blocks: initialLimits.prefixCacheBlocks } as const;
    return priced(view, action, 'There is room for blocks of ended sequences again.');
  },
};

/** A limit that was tightened, a quarter wider. */
function moreSequences(view: PlanView, reason: string): LimitAction[] {
  const { limits, initialLimits } = view;
  const maxSequences = Math.min(initialLimits.maxSequences, Math.ceil(1.25 * limits.maxSequences));
  if (maxSequences <= limits.maxSequences) return [];
  return priced(view, { kind: 'concurrency', maxSequences }, reason);
}

/** Whole offloaded parts, the shortest first, as long as the use stays below a share. */
function fetchBack(view: PlanView, below: number, most: number, reason: string): LimitAction[] {
  const { kvBytes, kvBudgetBytes } = view.telemetry;
  let spare = below * kvBudgetBytes - kvBytes;
  const away = view.sequences.flatMap(({ name, phase, parts }) =>
    phase === 'ended' ? [] : parts.filter(({ tier }) => tier !== 'hbm').map((part) => ({ name, part })),
  );
  const length = ({ from, to }: SequencePart) => to - from;
  away.sort((a, b) => length(a.part) - length(b.part));
  const actions: LimitAction[] = [];
  for (const { name, part } of away) {
    const action = { kind: 'fetch', sequence: name, from: part.from, to: part.to } as const;
    const answer = view.price(action);
    if (!answer.ok || answer.movedBytes > spare || actions.length >= most) continue;
    spare -= answer.movedBytes;
    actions.push({ action, freesBytes: 0, reason });
  }
  return actions;
}

function proposed(table: Proposals, view: PlanView, policy: AutopilotPolicy): LimitAction[] {
  return policy.actionPriority.flatMap((kind) =>
    view.capabilities.has(kind) && !view.barred.has(kind) ? (table[kind]?.(view, policy) ?? []) : [],
  );
}

/** Keeps more from coming while the use is above the target. @param reached whether the memory's actions do it alone */
export function tightenForMemory(view: PlanView, policy: AutopilotPolicy, reached: boolean): LimitAction[] {
  return proposed(
    reached ? TIGHTEN_MEMORY : { ...TIGHTEN_MEMORY, concurrency: TIGHTEN_CONCURRENCY },
    view,
    policy,
  );
}

/** One limit, the first of the policy's that can still be tightened. */
export function tightenForLatency(view: PlanView, policy: AutopilotPolicy): LimitAction[] {
  return proposed(TIGHTEN_LATENCY, view, policy).slice(0, 1);
}

export function loosen(view: PlanView, policy: AutopilotPolicy): LimitAction[] {
  return proposed(LOOSEN, view, policy).slice(0, policy.maxActions);
}
