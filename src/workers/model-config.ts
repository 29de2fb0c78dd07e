/** A model of no record from its config.json: a text that a person has, or the file of a repository of the hub. */
import { architectureFromText } from '../core/model/config/index.ts';
import type { Architecture } from '../core/model/architecture.ts';
import type { Read } from '../core/json.ts';
import { refusal, unreachable, type Asked } from '../engine/hub/faults.ts';
import { DEFAULT_HUB, fileAddress, readRepository } from '../engine/hub/repository.ts';

const FILE = 'config.json';
/** The largest file of the hub has some thousand lines. */
const MOST_CHARACTERS = 2_000_000;

/** @throws Error with the sentence of what is missing or wrong */
export function readConfig(text: string, name: string, asLlama: boolean): Architecture {
  return valueOrThrow(architectureFromText(text, name, asLlama ? { as: 'llama' } : {}));
}

/** @throws ModelError for a repository that is none, or a hub that does not answer; Error for a file that does not read */
export async function fetchConfig(
  repository: string,
  fetch: typeof globalThis.fetch,
  asLlama: boolean,
): Promise<Architecture> {
  const found = readRepository(repository);
  const asked: Asked = {
    hub: DEFAULT_HUB,
    repository: found,
    file: FILE,
    hasToken: false,
    isKept: false,
  };
  const response = await fetch(fileAddress(DEFAULT_HUB, found, FILE), {
    credentials: 'omit',
    referrerPolicy: 'no-referrer',
  }).catch(() => null);
  if (response === null) throw unreachable(asked);
  if (!response.ok) throw refusal(response.status, asked, null);
  const text = await response.text();
  return readConfig(text.slice(0, MOST_CHARACTERS), found.id, asLlama);
}

function valueOrThrow<T>(read: Read<T>): T {
  if (read.ok) return read.value;
  throw new Error(read.sentence);
}
