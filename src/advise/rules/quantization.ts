/** Quantization that is not worth it here: the same objectives are kept without it. */
import { findAnyModel } from '../../core/model/catalogue.ts';
import { releasedWeights } from '../../plan/support.ts';
import { kvFormatBits } from './formats.ts';
import { evidenceOf, percent, silent, type AdviceRule, type Variant } from './rule.ts';

export const quantization: AdviceRule = {
  id: 'quantization',
  propose: (subject) => {
    const { facts, scenario, fixed } = subject;
    const { kvFormat, weights } = scenario.engine;
    const { kvBlocks } = scenario.hardware;
    const model = findAnyModel(scenario.model);
    const released = model ? releasedWeights(model) : 'bf16';
    const variants: Variant[] = [];
    if (kvFormat !== 'bf16' && fixed('engine.kvFormat') === null) {
      const blocks =
        kvBlocks === null ? null : Math.floor((kvBlocks * kvFormatBits(kvFormat)) / kvFormatBits('bf16'));
      variants.push({
        settings: {
          'engine.kvFormat': 'bf16',
          ...(blocks === null ? {} : { 'hardware.kvBlocks': Math.max(1, blocks) }),
        },
        title: `Store the KV cache in bf16 instead of ${kvFormat}: there is room, and nothing is lost.`,
      });
    }
    if (weights !== 'bf16' && weights !== released && fixed('engine.weights') === null) {
      variants.push({
        settings: { 'engine.weights': released },
        title: `Keep the weights in ${released} instead of ${weights}: the objectives are kept all the same.`,
      });
    }
    if (variants.length === 0) return silent('Nothing is quantized that was not released so.');
    const { peakKvUse, attainment } = facts;
    return {
      kind: 'spares',
      evidence: [
        ...(peakKvUse === null
          ? []
          : [
              evidenceOf(
                subject,
                'Peak KV use',
                peakKvUse,
                'share',
                `At most ${percent(peakKvUse)} of the KV blocks were in use.`,
              ),
            ]),
        ...(attainment === null
          ? []
          : [
              evidenceOf(
                subject,
                'Within the objectives',
                attainment,
                'share',
                `${percent(attainment)} of the requests kept the objectives.`,
              ),
            ]),
      ],
      why: 'What a smaller format saves is not needed at this load, and what it costs in quality is paid all the same.',
      variants,
      aims: ['e2eMs.p99'],
    };
  },
};
