/** What the schema can't say: settings that contradict one another. Each refusal names both numbers and a remedy. */
import { tokenGroup } from '../kv/formats.ts';
import type { Scenario, WorkloadSettings } from './schema.ts';

/** Points of one sweep, all axes crossed. */
export const MAX_POINTS = 1024;
/** Sequences in flight together, over all groups. */
export const MAX_SEQUENCES = 1024;
/** Longest context of one sequence, prompt and output. */
export const MAX_CONTEXT_TOKENS = 1_048_576;

export interface SequencePlan {
  readonly group: string;
  readonly promptTokens: number;
  readonly outputTokens: number;
}

/** The sequences that run together, in order: the groups' where there are groups, else `concurrency` equal ones. */
export function sequencesOf(workload: WorkloadSettings): SequencePlan[] {
  const { concurrency, promptTokens, outputTokens, groups } = workload;
  const classes =
    groups.length > 0 ? groups : [{ name: 'all', count: concurrency, promptTokens, outputTokens }];
  return classes.flatMap(({ name, count, promptTokens, outputTokens }) =>
    Array.from({ length: count }, () => ({ group: name, promptTokens, outputTokens })),
  );
}

/** Tokens of the longest sequence when it ends. */
export function longestContext(workload: WorkloadSettings): number {
  const { promptTokens, outputTokens, groups } = workload;
  if (groups.length === 0) return promptTokens + outputTokens;
  return Math.max(...groups.map((group) => group.promptTokens + group.outputTokens));
}

function shortestPrompt({ promptTokens, groups }: WorkloadSettings): number {
  return groups.length === 0 ? promptTokens : Math.min(...groups.map((group) => group.promptTokens));
}

function workloadContradiction({ workload, engine }: Scenario): string | null {
  const longest = longestContext(workload);
  if (longest > MAX_CONTEXT_TOKENS) {
    return `Prompt and output are ${longest} tokens together; the most is ${MAX_CONTEXT_TOKENS}: shorten one.`;
  }
  const sequences = workload.groups.reduce((sum, { count }) => sum + count, 0);
  if (sequences > MAX_SEQUENCES) {
    return `workload.groups hold ${sequences} sequences; the most is ${MAX_SEQUENCES}: lower a count.`;
  }
  const names = new Set(workload.groups.map(({ name }) => name));
  if (names.size < workload.groups.length) return 'workload.groups use one name twice; give each its own.';
  const prefix = workload.sharedPrefixTokens;
  const shortest = shortestPrompt(workload);
  if (prefix > shortest) {
    return `workload.sharedPrefixTokens is ${prefix}, more than the prompt of ${shortest}; lower it or lengthen the prompt.`;
  }
  const reserved = engine.maxContextTokens;
  if (engine.layout === 'contiguous' && reserved > 0 && reserved < longest) {
    return `engine.maxContextTokens reserves ${reserved} tokens but a sequence needs ${longest}; raise it, or set 0.`;
  }
  return null;
}

function engineContradiction({ engine }: Scenario): string | null {
  const { windowTokens, sinkTokens, layout, eviction, kvFormat, residualTokens, blockSize } = engine;
  if (windowTokens > 0 && sinkTokens >= windowTokens) {
    return `engine.sinkTokens is ${sinkTokens}, not less than engine.windowTokens, ${windowTokens}; lower it.`;
  }
  if (layout === 'contiguous' && eviction.policy !== 'none') {
    return `engine.eviction.policy is ${eviction.policy}, which needs engine.layout paged; switch either.`;
  }
  if (kvFormat === 'int2' && residualTokens % tokenGroup(blockSize) !== 0) {
    return `engine.residualTokens is ${residualTokens}; int2 needs a multiple of ${tokenGroup(blockSize)}.`;
  }
  return null;
}

/** The first contradiction of one point, or null. The sweep is not looked at. */
export function contradiction(scenario: Scenario): string | null {
  return workloadContradiction(scenario) ?? engineContradiction(scenario);
}
