import { describe, expect, it, test } from 'vitest';
import { DEFAULT_QUALITY } from '../../../../src/core/scenario/quality/defaults.ts';
import {
  cellLabel,
  cellsOf,
  isEmulated,
  REFERENCE_CELL,
} from '../../../../src/core/scenario/quality/cells.ts';
import type { QualityScenario } from '../../../../src/core/scenario/quality/schema.ts';
import { decodeLink, encodeScenarioLink } from '../../../../src/core/scenario/link.ts';
import { parseAnyScenario, parseQuality, parseScenario } from '../../../../src/core/scenario/parse.ts';
import { presetQuality, QUALITY_PRESETS } from '../../../../src/core/scenario/presets.ts';
import { applyAssignments } from '../../../../src/core/scenario/set.ts';

function quality(layer: object): QualityScenario {
  const parsed = parseQuality({ version: 1, kind: 'quality', ...layer });
  if (!parsed.ok) throw new Error(parsed.sentence);
  return parsed.scenario;
}

function refusal(layer: object): string {
  const parsed = parseQuality({ version: 1, kind: 'quality', ...layer });
  return parsed.ok ? 'taken' : parsed.sentence;
}

describe('the cells of a quality scenario', () => {
  const labels = (layer: object) => cellsOf(quality({ cache: layer })).map(cellLabel);

  it('begin with the full cache, each once', () => {
    expect(labels({ kFormats: ['f32', 'int8'] })).toEqual(['f32', 'int8']);
    expect(cellsOf(DEFAULT_QUALITY)[0]).toEqual(REFERENCE_CELL);
  });

  it('cross K with V', () => {
    expect(labels({ kFormats: ['int8', 'int4'], vFormats: ['int4'] })).toEqual([
      'f32',
      'K int8 · V int4',
      'int4',
    ]);
  });

  it('take formats and policies one by one, or crossed', () => {
    const cache = { kFormats: ['int8'], policies: ['none', 'h2o'], budgets: [32, 64] };
    expect(labels(cache)).toEqual(['f32', 'int8', 'f32 · h2o 32', 'f32 · h2o 64']);
    expect(labels({ ...cache, crossed: true })).toEqual(['f32', 'int8', 'int8 · h2o 32', 'int8 · h2o 64']);
  });

  it('name variants of keys, which are emulated as mixed pairs are', () => {
    const cells = cellsOf(
      quality({
        cache: {
          kFormats: ['int8'],
          vFormats: ['int8', 'f16'],
          variants: { bits: [2], axes: ['channel'], rotation: [true], outlierGains: [30] },
        },
      }),
    );
    expect(cells.map((cell) => [cellLabel(cell), isEmulated(cell)])).toEqual([
      ['f32', false],
      ['int8', false],
      ['K int8 · V f16', true],
      ['K 2-bit per channel, rotated, outlier × 30', true],
    ]);
  });
});

test.each([
  { layer: { cache: { policies: ['h2o'] } }, words: 'cache.budgets is empty' },
  {
    layer: { cache: { kFormats: ['int2'], policies: ['h2o'], budgets: [64], crossed: true } },
    words: 'take int2 out',
  },
  { layer: { cache: { kFormats: ['int8', 'int8'] } }, words: 'twice' },
  {
    layer: { tasks: { recall: { distances: [480] } } },
    words: 'not less than tasks.recall.contextTokens, 480',
  },
  { layer: { engine: { residualTokens: 40 } }, words: 'multiple of 16' },
  {
    layer: {
      tasks: {
        recall: { samples: 0 },
        text: { sequences: 0 },
        attentionSequences: 0,
        speed: { sequences: 0 },
      },
    },
    words: 'Nothing is measured',
  },
  { layer: { cache: { budgets: Array.from({ length: 9 }, (_, i) => 16 + i) } }, words: 'cache.budgets' },
])('$words is refused', ({ layer, words }) => {
  expect(refusal(layer)).toContain(words);
});

test('another room refuses it by its kind', () => {
  const parsed = parseScenario({ version: 1, kind: 'quality' });
  expect(parsed.ok || parsed.sentence).toContain('a quality experiment');
});

test.each(QUALITY_PRESETS)('$name parses, and its link opens again', async ({ name }) => {
  const scenario = presetQuality(name);
  expect(parseAnyScenario(JSON.stringify(scenario))).toEqual({ ok: true, scenario });
  const changed = applyAssignments(scenario, ['tasks.recall.samples=3']);
  if (!changed.ok) throw new Error(changed.sentence);
  const link = await encodeScenarioLink(changed.scenario, name);
  expect(await decodeLink(link)).toEqual({
    ok: true,
    kind: 'quality',
    preset: name,
    scenario: changed.scenario,
  });
});
