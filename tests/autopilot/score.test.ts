/** A visitor's score: read by a grammar, never executed, and compared with the built-in policies on the same accesses. */
import { describe, expect, test } from 'vitest';
import {
  BUILTIN_SCORES,
  builtinScore,
  compareScores,
  parseScore,
  scorePolicy,
  type ScoreFacts,
} from '../../src/autopilot/score/index.ts';
import {
  BLOCK_POLICIES,
  BLOCK_POLICY_NAMES,
  replayCache,
  replayColumns,
} from '../../src/core/eviction/blocks/index.ts';
import { demoAccessLog } from '../../src/core/metrics/accesses-demo.ts';
import { createRandom } from '../../src/core/random.ts';

const FACTS: ScoreFacts = { age: 10, frequency: 4, position: 3, cost: 2, tokens: 16, stay: 20 };

function valueOf(text: string, facts: Partial<ScoreFacts> = {}): number {
  const score = parseScore(text);
  if (!score.ok) throw new Error(score.sentence);
  return score.value.of({ ...FACTS, ...facts });
}

function refusalOf(text: string): string {
  const score = parseScore(text);
  return score.ok ? 'it was taken' : score.sentence;
}

describe('an expression', () => {
  test.each([
    ['age', 10],
    ['age / frequency', 2.5],
    ['1 + 2 * 3 ^ 2', 19],
    ['(1 + 2) * 3', 9],
    ['2 ^ 3 ^ 2', 512],
    ['-age + 1', -9],
    ['2 ^ -1', 0.5],
    ['-2 ^ 2', -4],
    ['8 - 4 - 2', 2],
    ['8 / 4 / 2', 1],
    ['age − cost', 8],
    ['max(age, 2 * position, tokens)', 16],
    ['min(age, 3)', 3],
    ['abs(-3) + sqrt(16)', 7],
    ['log2(8) + log(1) + exp(0)', 4],
    ['1.5e1 + .5', 15.5],
    ['  age*cost\n/tokens ', 1.25],
  ])('%s is %d', (text, expected) => {
    expect(valueOf(text)).toBeCloseTo(expected, 12);
  });

  test.each([
    ['', 'is empty'],
    ['age +', 'ends where a value should stand'],
    ['age age', 'where it should end'],
    ['(age', 'is not closed'],
    ['age)', 'where it should end'],
    ['* 2', 'where a value should stand'],
    ['ages', 'age is the nearest'],
    ['frequncy * 2', 'frequency is the nearest'],
    ['stay', 'not known'],
    ['sqrt 4', 'write sqrt(…)'],
    ['min(1)', 'min has 1 values; 2 to 8 are needed'],
    ['log(1, 2)', 'log has 2 values; 1 is needed'],
    ['age; process.exit()', '";" at character 4'],
    ['age["constructor"]', '"["'],
    ['constructor', 'not known'],
    ['toString(1)', 'not known'],
    ['`age`', '"`"'],
    ['a'.repeat(401), 'has 401 characters; the most is 400'],
    [`${'('.repeat(40)}1${')'.repeat(40)}`, 'nested deeper than 32'],
    ['-'.repeat(120) + '1', 'nested deeper'],
    ['1+'.repeat(150) + '1', 'has 301 parts; the most is 200'],
  ])('%s is refused', (text, words) => {
    expect(refusalOf(text)).toContain(words);
  });

  test('what has no value goes last, and nothing is ever NaN', () => {
    expect(valueOf('0 / (age - age)')).toBe(-Infinity);
    expect(valueOf('log(-age)')).toBe(-Infinity);
    expect(valueOf('age / (age - age)')).toBe(Infinity);
  });

  test('random texts are read or refused, never thrown, never executed', () => {
    const pieces = [
      'age',
      'cost',
      '(',
      ')',
      '+',
      '-',
      '*',
      '/',
      '^',
      ',',
      'min',
      'sqrt',
      '1',
      '.5',
      ' ',
      'x',
      '$',
      '"',
      'λ',
    ];
    const random = createRandom(11).fork('texts');
    let taken = 0;
    for (let i = 0; i < 3000; i++) {
      const text = Array.from(
        { length: 1 + random.below(12) },
        () => pieces[random.below(pieces.length)] ?? '',
      ).join('');
      const score = parseScore(text);
      if (!score.ok) {
        expect(score.sentence).toMatch(/\.$/);
        continue;
      }
      taken++;
      expect(score.value.of(FACTS)).not.toBeNaN();
    }
    expect(taken).toBeGreaterThan(50);
  });
});

describe('policies by name', () => {
  test.each([...BLOCK_POLICY_NAMES])('%s is a score', (name) => {
    const score = parseScore(name);
    expect(score.ok && score.value.name).toBe(name);
    expect(Number.isFinite(BUILTIN_SCORES[name](FACTS))).toBe(true);
  });

  test('as people write them', () => {
    for (const text of ['LRU', 'age_decay', 'S3-FIFO', 'age decay'])
      expect(parseScore(text).ok, text).toBe(true);
  });

  test.each([
    ['lru', { age: 20 }],
    ['fifo', { stay: 30 }],
    ['lfu', { frequency: 1 }],
    ['gdsf', { cost: 1 }],
    ['suffix', { position: 9 }],
    ['agedecay', { age: 50_000 }],
  ] as const)('%s ranks by what it is defined by', (name, more) => {
    expect(builtinScore(name).of({ ...FACTS, ...more })).toBeGreaterThan(builtinScore(name).of(FACTS));
  });
});

function demoColumns(accesses = 3000) {
  const log = demoAccessLog(accesses, 5);
  return {
    keys: log.block,
    costs: Float64Array.from(log.depth ?? [], (depth) => 1 + depth),
    depths: log.depth ?? [],
  };
}

describe('the comparison on the same accesses', () => {
  test('age replays as lru does, hit for hit', () => {
    const score = parseScore('age');
    if (!score.ok) throw new Error(score.sentence);
    const columns = demoColumns();
    const own = replayColumns(scorePolicy(score.value, null), 64, columns);
    expect(own.hitBitmap).toEqual(replayColumns(BLOCK_POLICIES.lru(64), 64, columns).hitBitmap);
  });

  test('a by hand worked example: of a, b, c the least used goes', () => {
    const score = parseScore('-frequency');
    if (!score.ok) throw new Error(score.sentence);
    const accesses = ['a', 'b', 'a', 'b', 'c', 'd', 'c', 'a'].map((key) => ({ key }));
    // Room for three: d takes c's place (a and b were used twice), c then d's.
    expect([...replayCache(scorePolicy(score.value, null), 3, accesses).hitBitmap]).toEqual([
      0, 0, 1, 1, 0, 0, 0, 1,
    ]);
  });

  test('rows are in order, the optimum bounds them, and the sentence says the score’s own figures', () => {
    const score = parseScore('age / frequency');
    if (!score.ok) throw new Error(score.sentence);
    const { rows, sentence, sampled } = compareScores(score.value, { keys: demoColumns().keys }, 64);
    expect(sampled).toBe(false);
    expect(rows.length).toBe(BLOCK_POLICY_NAMES.length + 2);
    const values = rows.map(({ keptValue }) => keptValue);
    expect(values).toEqual([...values].sort((a, b) => b - a));
    expect(rows[0]?.policy).toBe('belady');
    const own = rows.find(({ isOwn }) => isOwn);
    expect(own?.hitRatio).toBe(own?.keptValue);
    expect(own?.hits).toBeGreaterThan(0);
    expect(sentence).toContain(`age / frequency keeps ${Math.round((own?.keptValue ?? 0) * 1000) / 10} %`);
  });

  test('a score that prefers what is dear keeps more value than one that prefers what is cheap', () => {
    const random = createRandom(3).fork('dear');
    const keys = Int32Array.from({ length: 2000 }, () => random.below(60));
    const columns = { keys, costs: Array.from(keys, (key) => (key % 2 === 0 ? 20 : 1)) };
    const kept = (text: string) => {
      const score = parseScore(text);
      if (!score.ok) throw new Error(score.sentence);
      return compareScores(score.value, columns, 20).rows.find(({ isOwn }) => isOwn)?.keptValue ?? 0;
    };
    expect(kept('age / cost')).toBeGreaterThan(kept('age') + 0.1);
    expect(kept('age * cost')).toBeLessThan(kept('age') - 0.1);
  });

  test('many blocks are sampled, which is said, and comes near to looking at all', () => {
    const keys = Int32Array.from({ length: 12_000 }, (_, i) => (i * 7919) % (i % 3 === 0 ? 400 : 4000));
    const score = parseScore('age');
    if (!score.ok) throw new Error(score.sentence);
    const { rows, sampled } = compareScores(score.value, { keys }, 2000);
    const [own, lru] = [rows.find(({ isOwn }) => isOwn), rows.find(({ policy }) => policy === 'lru')];
    expect(sampled).toBe(true);
    expect(Math.abs((own?.hitRatio ?? 0) - (lru?.hitRatio ?? 1))).toBeLessThan(0.05);
  });

  test('no accesses are no comparison', () => {
    const score = parseScore('age');
    expect(score.ok && compareScores(score.value, { keys: [] }, 4).sentence).toBe(
      'There are no accesses to compare on.',
    );
  });
});
