/** Chunk of a prompt in one step: a large one makes everybody else wait for a token, a small one its own request. */
import { UNPAGED_SCHEDULERS } from '../../core/scenario/simulate/rules-engine.ts';
import { evidenceOf, isKept, number, silent, type AdviceRule, type Proposed } from './rule.ts';
import type { Subject } from '../subject/subject.ts';

const LEAST_BUDGET = 256;
const MOST_BUDGET = 32_768;
/** Longest gaps over the usual one. */
const UNEVEN_FROM = 3;

function smaller(subject: Subject): Proposed | null {
  const { facts, scenario } = subject;
  const { itlMs, tpotMs } = facts;
  const { tokenBudget } = scenario.engine;
  if (itlMs === null || isKept(facts, 'tpotMs') || itlMs.p99 < UNEVEN_FROM * itlMs.p50) return null;
  const budgets = [2, 4, 8]
    .map((part) => Math.floor(tokenBudget / part))
    .filter((budget) => budget >= LEAST_BUDGET);
  if (budgets.length === 0) return null;
  return {
    kind: 'improves',
    evidence: [
      evidenceOf(
        subject,
        'p99 ITL',
        itlMs.p99,
        'ms',
        `One gap between tokens of a hundred is ${number(itlMs.p99)} ms or longer, the usual one ${number(itlMs.p50)} ms.`,
      ),
      ...(tpotMs === null
        ? []
        : [evidenceOf(subject, 'p99 TPOT', tpotMs.p99, 'ms', `p99 TPOT is ${number(tpotMs.p99)} ms.`)]),
    ],
    why: 'Each step takes a chunk of at most so many prompt tokens, and every running answer waits for it.',
    variants: budgets.map((budget) => ({
      settings: { 'engine.tokenBudget': budget },
      title: `Compute prompts in chunks of ${budget} tokens a step instead of ${tokenBudget}.`,
    })),
    aims: ['itlMs.p99', 'tpotMs.p99'],
    least: 0.15,
  };
}

function larger(subject: Subject): Proposed | null {
  const { facts, scenario } = subject;
  const { ttftMs, itlMs } = facts;
  const { tokenBudget } = scenario.engine;
  if (ttftMs === null || itlMs === null || isKept(facts, 'ttftMs')) return null;
  // Several steps a prompt: the first token takes many times as long as any other.
  if (ttftMs.p50 < 4 * itlMs.p50) return null;
  const budgets = [2, 4, 8].map((times) => tokenBudget * times).filter((budget) => budget <= MOST_BUDGET);
  if (budgets.length === 0) return null;
  return {
    kind: 'improves',
    evidence: [
      evidenceOf(
        subject,
        'Median TTFT',
        ttftMs.p50,
        'ms',
        `The first token usually takes ${number(ttftMs.p50)} ms, ${number(ttftMs.p50 / itlMs.p50)} times as long as each further one.`,
      ),
    ],
    why: 'A prompt that takes several steps reads the weights in each of them.',
    variants: budgets.map((budget) => ({
      settings: { 'engine.tokenBudget': budget },
      title: `Compute prompts in chunks of ${budget} tokens a step instead of ${tokenBudget}.`,
    })),
    aims: ['ttftMs.p99', 'ttftMs.mean'],
    least: 0.1,
  };
}

export const chunkSize: AdviceRule = {
  id: 'chunk-size',
  propose: (subject) => {
    const reason = subject.fixed('engine.tokenBudget');
    if (reason !== null) return silent(reason);
    if (UNPAGED_SCHEDULERS.has(subject.scenario.engine.scheduler))
      return silent('This scheduler has no chunks.');
    return smaller(subject) ?? larger(subject) ?? silent('Neither answers nor first tokens wait for chunks.');
  },
};
