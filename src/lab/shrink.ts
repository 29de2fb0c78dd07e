/** Out of memory: what to give up, a step at a time, until the point fits; and how to say it. */
import { validateScenario } from '../core/scenario/parse.ts';
import type { Scenario, WorkloadSettings } from '../core/scenario/schema.ts';

export interface Shrunk {
  readonly scenario: Scenario;
  /** What is smaller than asked, compared with the original: '2 of 8 sequences'. */
  readonly change: string;
}

/**
 * The next smaller workload: sequences are given up first, down to one of each group, then length by halves.
 * @param original what the point asked for, for the words
 * @returns null when there is nothing left to give up
 */
export function shrink(scenario: Scenario, original: Scenario = scenario): Shrunk | null {
  const smaller = fewerSequences(scenario.workload) ?? shorterPrompts(scenario.workload);
  if (smaller === null) return null;
  const checked = validateScenario({ ...scenario, sweep: [], workload: smaller });
  return checked.ok ? { scenario: checked.scenario, change: describe(checked.scenario, original) } : null;
}

function fewerSequences(workload: WorkloadSettings): WorkloadSettings | null {
  const { groups, concurrency } = workload;
  if (groups.length === 0)
    return concurrency > 1 ? { ...workload, concurrency: threeQuarters(concurrency) } : null;
  if (groups.every(({ count }) => count === 1)) return null;
  return { ...workload, groups: groups.map((group) => ({ ...group, count: threeQuarters(group.count) })) };
}

const SHORTEST_PROMPT = 16;

function shorterPrompts(workload: WorkloadSettings): WorkloadSettings | null {
  const { groups, promptTokens, sharedPrefixTokens } = workload;
  const halved = (tokens: number) => Math.max(SHORTEST_PROMPT, Math.floor(tokens / 2));
  if (groups.length === 0) {
    if (promptTokens <= SHORTEST_PROMPT) return null;
    const prompt = halved(promptTokens);
    return { ...workload, promptTokens: prompt, sharedPrefixTokens: Math.min(sharedPrefixTokens, prompt) };
  }
  if (groups.every((group) => group.promptTokens <= SHORTEST_PROMPT)) return null;
  const shorter = groups.map((group) => ({ ...group, promptTokens: halved(group.promptTokens) }));
  const shortest = Math.min(...shorter.map((group) => group.promptTokens));
  return { ...workload, groups: shorter, sharedPrefixTokens: Math.min(sharedPrefixTokens, shortest) };
}

function threeQuarters(count: number): number {
  return Math.max(1, Math.min(count - 1, Math.floor(count * 0.75)));
}

function describe({ workload }: Scenario, { workload: asked }: Scenario): string {
  const parts: string[] = [];
  if (workload.groups.length === 0) {
    if (workload.concurrency < asked.concurrency)
      parts.push(`${workload.concurrency} of ${asked.concurrency} sequences`);
    if (workload.promptTokens < asked.promptTokens) {
      parts.push(`prompts of ${workload.promptTokens} instead of ${asked.promptTokens} tokens`);
    }
  }
  for (const [i, group] of workload.groups.entries()) {
    const before = asked.groups[i];
    if (!before) continue;
    if (group.count < before.count) parts.push(`${group.count} of ${before.count} “${group.name}” sequences`);
    if (group.promptTokens < before.promptTokens) {
      parts.push(`“${group.name}” prompts of ${group.promptTokens} instead of ${before.promptTokens} tokens`);
    }
  }
  return parts.join(', ');
}
