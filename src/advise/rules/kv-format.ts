/** Format of the KV cache: half the bytes are twice the blocks, where memory is what is missing. */
import { findGpu } from '../../core/hardware/records.ts';
import { kvFormatBits } from './formats.ts';
import { isKept, isShortOfKv, shortageEvidence, silent, type AdviceRule, type Variant } from './rule.ts';

export const kvFormat: AdviceRule = {
  id: 'kv-format',
  propose: (subject) => {
    const { facts, scenario, fixed } = subject;
    const reason = fixed('engine.kvFormat');
    if (reason !== null) return silent(reason);
    const { kvFormat: format } = scenario.engine;
    if (format !== 'bf16') return silent(`The KV cache is in ${format} already.`);
    if (!isShortOfKv(facts)) return silent('KV memory is not what is missing.');
    if (isKept(facts, 'ttftMs') && isKept(facts, 'tpotMs') && (facts.preemptions ?? 0) === 0)
      return silent('The objectives are kept.');
    const gpu = findGpu(scenario.hardware.gpu);
    const hasFp8 = gpu !== undefined && gpu.serving.fp8MatrixTflops !== null;
    const { kvBlocks } = scenario.hardware;
    const variants = (hasFp8 ? (['fp8', 'int8'] as const) : (['int8'] as const)).map((smaller): Variant => ({
      settings: {
        'engine.kvFormat': smaller,
        ...(kvBlocks === null
          ? {}
          : { 'hardware.kvBlocks': Math.floor((kvBlocks * kvFormatBits(format)) / kvFormatBits(smaller)) }),
      },
      title: `Store the KV cache in ${smaller} instead of ${format}.`,
    }));
    return {
      kind: 'improves',
      evidence: shortageEvidence(subject),
      why: 'The same memory holds about twice the tokens, and attention reads half the bytes.',
      variants,
      aims: ['e2eMs.p99', 'ttftMs.p99', 'e2eMs.mean', 'ttftMs.mean', 'outputTokensPerSecond'],
      // A larger batch takes longer for each step; what the answer takes in all is watched.
      mayCost: ['itlMs.p99'],
    };
  },
};
