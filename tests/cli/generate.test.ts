/** `kvlab generate`: what is refused before anything is started. What it answers is in cli.test.ts, in a browser. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { modelFiles } from '../../src/cli/model-files.ts';
import { kvlab } from '../support/run-cli.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kvlab-generate-'));
  for (const name of ['model.bin', 'tok512.bin', 'tokenizer.json', 'notes.txt', 'other.gguf']) {
    writeFileSync(join(folder, name), '');
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const IDS = ['--prompt-ids', '1,403'];

test.each([
  { name: 'no model', args: IDS, says: /generate needs --model/ },
  { name: 'no prompt', args: ['--model', '.'], says: /needs a prompt: --prompt-ids 1,403 or --prompt TEXT/ },
  { name: 'two prompts', args: ['--model', '.', ...IDS, '--prompt', 'x'], says: /two prompts/ },
  { name: 'an empty prompt', args: ['--model', '.', '--prompt', ''], says: /--prompt is empty/ },
  { name: 'a word for an id', args: ['--model', '.', '--prompt-ids', '1,one'], says: /holds “one”/ },
  { name: 'half an id', args: ['--model', '.', '--prompt-ids', '1.5'], says: /holds “1\.5”/ },
  { name: 'no tokens', args: ['--model', '.', ...IDS, '--tokens', '0'], says: /--tokens is “0”/ },
  {
    name: 'an unknown KV format',
    args: ['--model', '.', ...IDS, '--kv', 'fp4'],
    says: /--kv is “fp4”; there are f32/,
  },
  {
    name: 'an unknown weight format',
    args: ['--model', '.', ...IDS, '--weights', 'q8'],
    says: /--weights is “q8”/,
  },
  {
    name: 'an unknown policy',
    args: ['--model', '.', ...IDS, '--evict', 'lru'],
    says: /--evict is “lru”; there are none/,
  },
  {
    name: 'a policy without a budget',
    args: ['--model', '.', ...IDS, '--evict', 'h2o'],
    says: /--evict h2o needs --budget/,
  },
  {
    name: 'a budget without a policy',
    args: ['--model', '.', ...IDS, '--budget', '64'],
    says: /--budget goes with --evict/,
  },
  {
    name: 'a cold temperature',
    args: ['--model', '.', ...IDS, '--temperature', '-1'],
    says: /--temperature is “-1”; a number from 0/,
  },
  { name: 'no probability', args: ['--model', '.', ...IDS, '--top-p', '0'], says: /--top-p is “0”/ },
  { name: 'a seed that is none', args: ['--model', '.', ...IDS, '--seed', '1e99'], says: /--seed is “1e99”/ },
  {
    name: 'a model that is nowhere',
    args: ['--model', 'nowhere', ...IDS],
    says: /no file and no folder nowhere/,
  },
  {
    name: 'a folder without a model',
    args: ['--model', 'src/core', ...IDS],
    says: /src\/core holds no model/,
  },
  {
    name: 'a flag of another command',
    args: ['--model', '.', ...IDS, '--policy', 'lru'],
    says: /--policy does not go with generate/,
  },
])('$name is one sentence and exit status 2', async ({ args, says }) => {
  const { status, out, err } = await kvlab('generate', ...args);
  expect(err).toMatch(says);
  expect(err.trim().split('\n')).toHaveLength(1);
  expect({ status, out }).toEqual({ status: 2, out: '' });
});

test('a folder gives what a model is made of; a checkpoint brings the vocabularies beside it', () => {
  const names = (path: string) => modelFiles(path).paths.map((file) => file.slice(folder.length + 1));
  expect(names(folder)).toEqual(['model.bin', 'other.gguf', 'tok512.bin', 'tokenizer.json']);
  expect(names(join(folder, 'model.bin'))).toEqual(['model.bin', 'tok512.bin', 'tokenizer.json']);
});
