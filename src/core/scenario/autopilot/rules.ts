/** What the schema of an autopilot can't say; each refusal names the wrong value and the nearest that works. */
import { serveContradiction } from '../serve/rules.ts';
import { simContradiction } from '../simulate/rules.ts';
import type { AutopilotPolicy } from './policy.ts';
import type { AutopilotScenario } from './schema.ts';

type PolicyRule = (policy: AutopilotPolicy) => string | null;

const firstTier: PolicyRule = ({ tiers }) =>
  tiers[0] === 'hbm'
    ? null
    : `policy.tiers begins with ${tiers[0] ?? 'nothing'}; the first tier is the GPU's memory: write hbm first.`;

const tiersOnce: PolicyRule = ({ tiers }) => {
  const twice = tiers.find((tier, index) => tiers.indexOf(tier) !== index);
  return twice === undefined ? null : `policy.tiers names ${twice} twice; name each tier once.`;
};

const canary: PolicyRule = ({ canarySteps }) => {
  const falls = canarySteps.findIndex((share, index) => index > 0 && share <= (canarySteps[index - 1] ?? 0));
  if (falls > 0) {
    return `policy.canarySteps has ${canarySteps[falls]} after ${canarySteps[falls - 1]}; each step acts on more than the one before.`;
  }
  const last = canarySteps.at(-1) ?? 0;
  return last === 1 ? null : `policy.canarySteps ends with ${last}; the last step is 1, all of the plan.`;
};

const kindsOnce: PolicyRule = ({ actionPriority }) => {
  const twice = actionPriority.find((kind, index) => actionPriority.indexOf(kind) !== index);
  return twice === undefined ? null : `policy.actionPriority names ${twice} twice; name each action once.`;
};

const POLICY_RULES: readonly PolicyRule[] = [firstTier, tiersOnce, canary, kindsOnce];

/** The first contradiction of a policy by itself, or null. Whether `eviction` can be read is asked in src/autopilot. */
export function policyContradiction(policy: AutopilotPolicy): string | null {
  for (const rule of POLICY_RULES) {
    const sentence = rule(policy);
    if (sentence !== null) return sentence;
  }
  return null;
}

/** Settings of the part that the backend runs, as its own rules see them. */
function partContradiction({ backend, simulation, serving }: AutopilotScenario): string | null {
  const sentence = backend === 'simulator' ? simContradiction(simulation) : serveContradiction(serving);
  return sentence === null ? null : `${backend === 'simulator' ? 'simulation' : 'serving'}: ${sentence}`;
}

function oneReplica({ backend, simulation: { cluster, sweep } }: AutopilotScenario): string | null {
  if (backend !== 'simulator') return null;
  if (sweep.length > 0) return 'simulation.sweep has axes; an autopilot steers one point: leave them out.';
  return cluster.replicas === 1 && cluster.disaggregation === null
    ? null
    : 'An autopilot steers one replica; set simulation.cluster.replicas to 1 and leave disaggregation out.';
}

/** The first contradiction, or null. */
export function autopilotContradiction(scenario: AutopilotScenario): string | null {
  return policyContradiction(scenario.policy) ?? oneReplica(scenario) ?? partContradiction(scenario);
}
