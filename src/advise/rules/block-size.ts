/** Block size: the last block of every sequence is half empty on average, and prefixes are shared in whole blocks. */
import {
  evidenceOf,
  isShortOfKv,
  percent,
  shortageEvidence,
  silent,
  type AdviceRule,
  type Variant,
} from './rule.ts';

const WASTE_FROM = 0.08;
const SIZES = [16, 32] as const;

export const blockSize: AdviceRule = {
  id: 'block-size',
  propose: (subject) => {
    const { facts, scenario, fixed } = subject;
    const reason = fixed('engine.blockSize');
    if (reason !== null) return silent(reason);
    const { blockSize: size } = scenario.engine;
    const { kvBlocks } = scenario.hardware;
    const { fragmentation, hitRatio } = facts;
    if (fragmentation === null || fragmentation < WASTE_FROM || size <= SIZES[0])
      return silent(
        `${fragmentation === null ? 'Nobody says how much' : percent(fragmentation)} of the given blocks is empty, and they have ${size} tokens.`,
      );
    const variants = SIZES.filter((smaller) => smaller < size).map((smaller): Variant => ({
      settings: {
        'engine.blockSize': smaller,
        // As many bytes as before.
        ...(kvBlocks === null ? {} : { 'hardware.kvBlocks': Math.floor((kvBlocks * size) / smaller) }),
      },
      title: `Use blocks of ${smaller} tokens instead of ${size}.`,
    }));
    return {
      kind: 'improves',
      evidence: [
        evidenceOf(
          subject,
          'Fragmentation',
          fragmentation,
          'share',
          `${percent(fragmentation)} of the slots in the blocks that were given out held no token.`,
        ),
        ...(isShortOfKv(facts) ? shortageEvidence(subject) : []),
      ],
      why: 'A sequence wastes half a block on average, and only whole blocks of a prefix are found again.',
      variants,
      aims: hitRatio === null ? ['e2eMs.p99', 'ttftMs.p99'] : ['e2eMs.p99', 'ttftMs.p99', 'ttftMs.mean'],
    };
  },
};
