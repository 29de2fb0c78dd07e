/** Eviction policy of the prefix cache: every other one is replayed on this run's own accesses. */
import {
  BLOCK_POLICY_NAMES,
  replayColumns,
  replayPolicy,
  type BlockPolicyName,
  type ReplayPolicyName,
} from '../../core/eviction/blocks/index.ts';
import type { AccessLog } from '../../core/metrics/accesses-log.ts';
import { generateRequests } from '../../core/workload/generate.ts';
import { promptAccesses } from '../../core/workload/prompt-accesses.ts';
import type { Subject } from '../subject/subject.ts';
import { evidenceOf, number, percent, silent, type AdviceRule } from './rule.ts';

/** A longer log says no more about the policies. */
const MAX_ACCESSES = 150_000;
const LEAST_GAIN = 0.02;

/** What the workload asks the cache for; null where nothing is asked for twice. */
export function accessesOf({ scenario, inputs }: Subject): AccessLog | null {
  const { workload } = scenario;
  const trace = workload.trace === null ? null : (inputs.traces?.(workload.trace.name) ?? null);
  if (workload.trace !== null && trace === null) return null;
  const log = promptAccesses(generateRequests(scenario, trace), scenario.engine.blockSize, MAX_ACCESSES);
  return log.hit.includes(1) ? log : null;
}

function hitRatio(policy: ReplayPolicyName, capacity: number, log: AccessLog): number {
  const columns = log.depth ? { keys: log.block, depths: log.depth } : { keys: log.block };
  return replayColumns(replayPolicy(policy, capacity, log.block), capacity, columns).hits / log.block.length;
}

/** Blocks that running requests leave to the cache, on average. */
export function cachedBlocks({ scenario, facts, blocksThatFit }: Subject): number | null {
  const blocks = scenario.hardware.kvBlocks ?? blocksThatFit;
  return blocks === null || facts.meanKvUse === null
    ? null
    : Math.max(1, Math.round(blocks * (1 - facts.meanKvUse)));
}

export const evictionPolicy: AdviceRule = {
  id: 'eviction-policy',
  propose: (subject) => {
    const { scenario, fixed } = subject;
    const reason = fixed('engine.cachePolicy');
    if (reason !== null) return silent(reason);
    const { prefixCache, cachePolicy } = scenario.engine;
    if (prefixCache !== 'hash') return silent('There is no prefix cache whose policy could be chosen.');
    const log = accessesOf(subject);
    if (log === null) return silent('No block of a prompt is asked for twice, so every policy is as good.');
    const capacity = cachedBlocks(subject);
    if (capacity === null || capacity >= log.names.length)
      return silent('The cache holds every block; nothing has to go.');
    const now = hitRatio(cachePolicy, capacity, log);
    const others = BLOCK_POLICY_NAMES.filter((name) => name !== cachePolicy)
      .map((name): [BlockPolicyName, number] => [name, hitRatio(name, capacity, log)])
      .sort(([, a], [, b]) => b - a);
    const [best] = others;
    if (best === undefined || best[1] < now + LEAST_GAIN)
      return silent(
        `No other policy finds clearly more on these accesses than ${cachePolicy} with ${percent(now)}.`,
      );
    const bound = hitRatio('belady', capacity, log);
    const basis = `of ${number(log.block.length)} accesses, replayed with ${number(capacity)} blocks`;
    return {
      kind: 'improves',
      evidence: [
        {
          ...evidenceOf(
            subject,
            `Hits of ${cachePolicy}`,
            now,
            'share',
            `${cachePolicy} finds ${percent(now)} ${basis}.`,
          ),
          origin: 'simulated',
        },
        {
          ...evidenceOf(
            subject,
            `Hits of ${best[0]}`,
            best[1],
            'share',
            `${best[0]} finds ${percent(best[1])} of the same; the optimum that knows the future, ${percent(bound)}.`,
          ),
          origin: 'simulated',
        },
      ],
      why: 'What is asked for again stays in the cache, so fewer prompt tokens are computed twice.',
      variants: others
        .slice(0, 2)
        .filter(([, hits]) => hits >= now + LEAST_GAIN)
        .map(([name]) => ({
          settings: { 'engine.cachePolicy': name },
          title: `Evict cached blocks by ${name} instead of ${cachePolicy}.`,
        })),
      aims: ['ttftMs.mean', 'ttftMs.p99', 'prefixHitRatio'],
      least: 0.03,
    };
  },
};
