/** What the schema of a load can't say; each refusal names the wrong number and the nearest that works. */
import { workloadContradiction } from '../simulate/rules-workload.ts';
import type { LoadScenario } from './schema.ts';

/** Requests of all points and repetitions of one run. */
export const MAX_LOAD_REQUESTS = 50_000;

type Rule = (scenario: LoadScenario) => string | null;

const requests: Rule = ({ workload, measurement, sweep }) => {
  const { repeats, calibrationRepeats } = measurement;
  const runs = (sweep?.values.length ?? 1) * (repeats + calibrationRepeats);
  return workload.requests * runs > MAX_LOAD_REQUESTS
    ? `workload.requests is ${workload.requests} in each of ${runs} repetitions; the most is ${MAX_LOAD_REQUESTS} in all: set ${Math.max(1, Math.floor(MAX_LOAD_REQUESTS / runs))}.`
    : null;
};

const ids: Rule = ({ prompts, api }) =>
  prompts.as === 'ids' && api === 'chat'
    ? 'prompts.as is ids, but a chat is sent as text; set prompts.as=text or api=completions.'
    : null;

const answers: Rule = ({ prompts, workload: { sharing } }) =>
  prompts.as === 'ids' && (sharing.kind === 'sessions' || sharing.kind === 'agents')
    ? `prompts.as is ids, but the turns of ${sharing.kind} go on from answers, which come as text; set prompts.as=text.`
    : null;

const oneUser: Rule = ({ workload: { arrivals }, client }) =>
  arrivals.kind === 'closed' && arrivals.users > client.maxInFlight
    ? `workload.arrivals.users is ${arrivals.users}, more than the ${client.maxInFlight} requests of client.maxInFlight; set client.maxInFlight to ${arrivals.users}.`
    : null;

const RULES: readonly Rule[] = [workloadContradiction, requests, ids, answers, oneUser];

/** The first contradiction, or null. The points of a sweep are looked at one by one, each without its sweep. */
export function loadContradiction(scenario: LoadScenario): string | null {
  for (const rule of RULES) {
    const sentence = rule(scenario);
    if (sentence !== null) return sentence;
  }
  return null;
}
