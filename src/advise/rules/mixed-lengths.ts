/** Long and short mixed: short requests wait for the prompts, or the answers, of long ones. */
import { UNPAGED_SCHEDULERS } from '../../core/scenario/simulate/rules-engine.ts';
import { percentileLinear } from '../../core/metrics/percentiles.ts';
import { generateRequests } from '../../core/workload/generate.ts';
import type { Subject } from '../subject/subject.ts';
import { evidenceOf, isKept, number, silent, type AdviceRule, type Variant } from './rule.ts';

const SPREAD_FROM = 6;
const LOOKED_AT = 4000;

/** 95th percentile over the median. */
function spreadOf(values: readonly number[]): { readonly p50: number; readonly p95: number } {
  return { p50: percentileLinear(values, 50), p95: percentileLinear(values, 95) };
}

function lengthsOf({ scenario, inputs }: Subject): { prompt: number[]; output: number[] } | null {
  const { workload } = scenario;
  const trace = workload.trace === null ? null : (inputs.traces?.(workload.trace.name) ?? null);
  if (workload.trace !== null && trace === null) return null;
  const requests = generateRequests(scenario, trace);
  const prompt = Array.from(requests.promptTokens.subarray(0, LOOKED_AT));
  return prompt.length === 0
    ? null
    : { prompt, output: Array.from(requests.outputTokens.subarray(0, LOOKED_AT)) };
}

function variantsOf({ scenario, fixed }: Subject): Variant[] {
  const { scheduler, longPrefillTokens, tokenBudget } = scenario.engine;
  if (UNPAGED_SCHEDULERS.has(scheduler)) {
    if (fixed('engine.scheduler') !== null) return [];
    return [
      {
        settings: { 'engine.scheduler': 'vllm' },
        title: `Batch continuously, with chunked prefill, instead of by ${scheduler}.`,
      },
    ];
  }
  if (longPrefillTokens > 0 || fixed('engine.longPrefillTokens') !== null) return [];
  return [2, 4, 8]
    .map((part) => Math.floor(tokenBudget / part))
    .filter((limit) => limit >= 128)
    .map((limit) => ({
      settings: { 'engine.longPrefillTokens': limit },
      title: `Let one prompt take at most ${limit} of a step’s ${tokenBudget} tokens, so that short ones go beside it.`,
    }));
}

export const mixedLengths: AdviceRule = {
  id: 'mixed-lengths',
  propose: (subject) => {
    const { facts } = subject;
    if (
      isKept(facts, 'ttftMs') &&
      isKept(facts, 'tpotMs') &&
      !UNPAGED_SCHEDULERS.has(subject.scenario.engine.scheduler)
    )
      return silent('The objectives are kept.');
    const lengths = lengthsOf(subject);
    if (lengths === null) return silent('The lengths of the requests are not known.');
    const [prompt, output] = [spreadOf(lengths.prompt), spreadOf(lengths.output)];
    const prompts = prompt.p95 >= SPREAD_FROM * prompt.p50;
    const outputs = output.p95 >= SPREAD_FROM * output.p50;
    if (!prompts && !outputs) return silent('The requests are of similar lengths.');
    const variants = variantsOf(subject);
    if (variants.length === 0)
      return silent('Lengths are mixed, and the scheduler already guards against it.');
    const said = (what: string, { p50, p95 }: { p50: number; p95: number }) =>
      `One ${what} of twenty has ${number(p95)} tokens or more, the middle one ${number(p50)}.`;
    return {
      kind: 'improves',
      evidence: [
        ...(prompts
          ? [
              evidenceOf(
                subject,
                'p95 over median of the prompts',
                prompt.p95 / prompt.p50,
                'ratio',
                said('prompt', prompt),
              ),
            ]
          : []),
        ...(outputs
          ? [
              evidenceOf(
                subject,
                'p95 over median of the outputs',
                output.p95 / output.p50,
                'ratio',
                said('output', output),
              ),
            ]
          : []),
        ...(facts.ttftMs === null
          ? []
          : [
              evidenceOf(
                subject,
                'p95 TTFT',
                facts.ttftMs.p95,
                'ms',
                `p95 TTFT is ${number(facts.ttftMs.p95)} ms, the median ${number(facts.ttftMs.p50)} ms.`,
              ),
            ]),
      ],
      why: 'Short requests stand behind long ones that take a whole step, or a whole batch.',
      variants,
      aims: ['ttftMs.mean', 'ttftMs.p50', 'e2eMs.p50', 'e2eMs.mean'],
    };
  },
};
