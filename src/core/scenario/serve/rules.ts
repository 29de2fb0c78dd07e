/**
 * What the schema of a serving scenario can't say: scenarios that are impossible whatever model is loaded. Each refusal
 * names the wrong number and the nearest that works. What depends on the model is refused by the lab before the first step.
 */
import { tokenGroup } from '../../kv/formats.ts';
import { certainTokens, mostTokens, workloadContradiction } from '../simulate/rules-workload.ts';
import type { ServeScenario } from './schema.ts';

type Rule = (scenario: ServeScenario) => string | null;

/** Requests of all points and repetitions of one run. */
export const MAX_SERVED_REQUESTS = 20_000;

const drawn: Rule = ({ workload }) =>
  workload.trace === null
    ? workloadContradiction({ workload })
    : 'workload.trace names a trace, but the serving lab draws its requests; set it to null.';

const longest: Rule = ({ workload, engine }) => {
  const { prompt, output } = certainTokens(workload);
  // The last token that is generated needs no slot: nothing reads it.
  const held = prompt + output - 1;
  const slots = engine.blocks * engine.blockSize;
  if (held > slots) {
    return `The longest request holds ${held} tokens at the least, more than the ${slots} of engine.blocks; set ${Math.ceil(held / engine.blockSize)} blocks or more.`;
  }
  const most = mostTokens(workload);
  return engine.maxContextTokens > 0 && most > engine.maxContextTokens
    ? `A request may have ${most} tokens, more than the ${engine.maxContextTokens} of engine.maxContextTokens; raise it, or shorten workload.promptTokens.`
    : null;
};

const reservation: Rule = ({ backends, engine }) => {
  const slots = engine.blocks * engine.blockSize;
  return backends.includes('contiguous') && engine.maxContextTokens > slots
    ? `engine.maxContextTokens is ${engine.maxContextTokens}, more than the ${slots} slots that a contiguous cache has for all sequences; set engine.blocks to ${Math.ceil(engine.maxContextTokens / engine.blockSize)} or more.`
    : null;
};

const backendsOnce: Rule = ({ backends }) =>
  new Set(backends).size < backends.length ? 'backends names one twice; name each once.' : null;

const hostMemory: Rule = ({ engine }) =>
  engine.offload === 'host' && engine.hostMegabytes === 0
    ? 'engine.offload is host, but engine.hostMegabytes is 0; give it some, such as 64, or set engine.offload to none.'
    : null;

const residual: Rule = ({ engine: { kvFormat, residualTokens, blockSize } }) =>
  kvFormat === 'int2' && residualTokens % tokenGroup(blockSize) !== 0
    ? `engine.residualTokens is ${residualTokens}; int2 needs a multiple of ${tokenGroup(blockSize)}.`
    : null;

const ttftPrompt: Rule = ({ ttft, engine }) => {
  if (ttft === null) return null;
  const slots = engine.blocks * engine.blockSize;
  if (ttft.promptTokens + 1 > slots) {
    return `ttft.promptTokens is ${ttft.promptTokens}, more than the ${slots - 1} that engine.blocks hold beside an output; set ${slots - 1} or less.`;
  }
  return ttft.promptTokens <= engine.blockSize
    ? `ttft.promptTokens is ${ttft.promptTokens}, of which no full block of ${engine.blockSize} can be found again; set ${2 * engine.blockSize} or more.`
    : null;
};

const RULES: readonly Rule[] = [drawn, longest, reservation, backendsOnce, hostMemory, residual, ttftPrompt];

/** The first contradiction of one point, or null. The sweep is not looked at. */
export function serveContradiction(scenario: ServeScenario): string | null {
  for (const rule of RULES) {
    const sentence = rule(scenario);
    if (sentence !== null) return sentence;
  }
  return null;
}

/** Requests of all points together, on all backends. */
export function serveTotalContradiction(
  { workload, backends, measurement }: ServeScenario,
  points: number,
): string | null {
  const { repeats, calibrationRepeats, warmupRepeats } = measurement;
  const runs = points * backends.length * (repeats + calibrationRepeats + warmupRepeats);
  return workload.requests * runs > MAX_SERVED_REQUESTS
    ? `workload.requests is ${workload.requests} in each of ${runs} repetitions; the most is ${MAX_SERVED_REQUESTS} in all: set ${Math.max(1, Math.floor(MAX_SERVED_REQUESTS / runs))}.`
    : null;
}
