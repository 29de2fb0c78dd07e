/** What the schema of a quality scenario can't say. Each refusal names both numbers and a remedy. */
import { tokenGroup } from '../../kv/formats.ts';
import { cellsOf, MAX_CELLS } from './cells.ts';
import type { QualityScenario } from './schema.ts';

function twice(values: readonly (string | number | boolean)[]): boolean {
  return new Set(values).size < values.length;
}

function listContradiction({ cache, tasks }: QualityScenario): string | null {
  const lists: Readonly<Record<string, readonly (string | number | boolean)[]>> = {
    'cache.kFormats': cache.kFormats,
    'cache.vFormats': cache.vFormats,
    'cache.policies': cache.policies,
    'cache.budgets': cache.budgets,
    'cache.variants.bits': cache.variants.bits,
    'tasks.recall.distances': tasks.recall.distances,
    'tasks.recall.depths': tasks.recall.depths,
  };
  const doubled = Object.keys(lists).find((name) => twice(lists[name] ?? []));
  return doubled === undefined ? null : `${doubled} names a value twice; give each once.`;
}

function cacheContradiction({ cache, engine }: QualityScenario): string | null {
  const cutting = cache.policies.find((policy) => policy !== 'none');
  if (cutting !== undefined && cache.budgets.length === 0) {
    return `cache.policies has ${cutting} and cache.budgets is empty; give a budget such as 64.`;
  }
  if (
    cutting !== undefined &&
    cutting !== 'quest' &&
    cutting !== 'window' &&
    cache.crossed &&
    cache.kFormats.includes('int2')
  ) {
    return `int2 finds its newest tokens by their position, which ${cutting} changes; take int2 out of cache.kFormats, or set cache.crossed to false.`;
  }
  const group = tokenGroup(engine.blockSize);
  if (engine.residualTokens % group !== 0) {
    return `engine.residualTokens is ${engine.residualTokens}; int2 needs a multiple of ${group}.`;
  }
  return null;
}

function taskContradiction({ tasks }: QualityScenario): string | null {
  const { recall, text, speed, attentionSequences } = tasks;
  const farthest = Math.max(0, ...recall.distances);
  if (farthest >= recall.contextTokens) {
    return `tasks.recall.distances has ${farthest}, not less than tasks.recall.contextTokens, ${recall.contextTokens}; lower it.`;
  }
  const asks = recall.samples > 0 && recall.distances.length > 0;
  if (!asks && text.sequences === 0 && attentionSequences === 0 && speed.sequences === 0) {
    return 'Nothing is measured; set tasks.recall.samples, tasks.text.sequences or tasks.speed.sequences to 1 or more.';
  }
  return null;
}

/** The first contradiction, or null. */
export function qualityContradiction(scenario: QualityScenario): string | null {
  const wrong = listContradiction(scenario) ?? cacheContradiction(scenario) ?? taskContradiction(scenario);
  if (wrong !== null) return wrong;
  const cells = cellsOf(scenario).length;
  return cells > MAX_CELLS
    ? `The scenario has ${cells} cells; the most is ${MAX_CELLS}: drop some values.`
    : null;
}
