/**
 * What can be done to each server from outside: load it, watch it, act on its cache. One table, and the calls behind it.
 *
 * Sources: vLLM's POST /reset_prefix_cache (development mode, VLLM_SERVER_DEV_MODE=1), SGLang's POST /flush_cache,
 * llama.cpp's POST /slots/ID?action=erase|save|restore (all three need --slot-save-path; without it build b11669 answers 501).
 */
import type { LoadedServer, ServerKind } from '../core/run/load.ts';
import type { Endpoint } from './endpoint.ts';
import { EndpointError, faultOfStatus } from './fault.ts';
import { ask } from './probe.ts';

export interface ServerAbilities {
  readonly name: string;
  readonly load: boolean;
  readonly observe: boolean;
  readonly act: readonly ServerAct[];
  /** On what it was tried: a real server, or answers written after its source and documents. */
  readonly tried: string;
}

export type ServerAct = 'reset the prefix cache' | 'erase a slot' | 'save a slot' | 'restore a slot';

const AFTER_SOURCE = 'answers written after its source and documents; no server was at hand';
const AS_OPENAI = 'a server that speaks OpenAI’s API; this one was not at hand';

export const SERVER_ABILITIES: Readonly<Record<ServerKind, ServerAbilities>> = {
  vllm: { name: 'vLLM', load: true, observe: true, act: ['reset the prefix cache'], tried: AFTER_SOURCE },
  sglang: { name: 'SGLang', load: true, observe: true, act: ['reset the prefix cache'], tried: AFTER_SOURCE },
  'llama.cpp': {
    name: 'llama.cpp',
    load: true,
    observe: true,
    act: ['reset the prefix cache', 'erase a slot', 'save a slot', 'restore a slot'],
    tried: 'a real server, build b11669',
  },
  tgi: { name: 'TGI', load: true, observe: true, act: [], tried: AFTER_SOURCE },
  dynamo: { name: 'Dynamo', load: true, observe: true, act: [], tried: AFTER_SOURCE },
  'tensorrt-llm': { name: 'TensorRT-LLM', load: true, observe: true, act: [], tried: AFTER_SOURCE },
  ollama: { name: 'Ollama', load: true, observe: false, act: [], tried: AS_OPENAI },
  'lm-studio': { name: 'LM Studio', load: true, observe: false, act: [], tried: AS_OPENAI },
  unknown: {
    name: 'a server that does not say what it is',
    load: true,
    observe: false,
    act: [],
    tried: AS_OPENAI,
  },
};

/** @throws EndpointError in one sentence where the server refuses */
async function post(endpoint: Endpoint, path: string, body?: string): Promise<string> {
  const given = body === undefined ? {} : { body };
  const { status, text } = await ask(endpoint, `${endpoint.root}${path}`, { method: 'POST', ...given });
  if (status >= 400) throw faultOfStatus(status, text, endpoint);
  return text;
}

/** Acts on one slot of llama.cpp, and says what it counted. @throws EndpointError in one sentence */
export async function actOnSlot(
  endpoint: Endpoint,
  slot: number,
  action: 'erase' | 'save' | 'restore',
  filename?: string,
): Promise<string> {
  const body = filename === undefined ? undefined : JSON.stringify({ filename });
  return countsOf(await post(endpoint, `/slots/${slot}?action=${action}`, body));
}

type Reset = (endpoint: Endpoint, server: LoadedServer) => Promise<unknown>;

const RESETS: Readonly<Partial<Record<ServerKind, Reset>>> = {
  vllm: (endpoint) => post(endpoint, '/reset_prefix_cache'),
  sglang: (endpoint) => post(endpoint, '/flush_cache'),
  'llama.cpp': async (endpoint, { maxSequences }) => {
    for (let slot = 0; slot < (maxSequences ?? 1); slot++) await actOnSlot(endpoint, slot, 'erase');
  },
};

/** Empties the server's prefix cache, and says what came of it; a server that can't is no reason to stop. */
export async function resetPrefixCache(endpoint: Endpoint, server: LoadedServer): Promise<string> {
  const { name } = SERVER_ABILITIES[server.kind];
  const reset = RESETS[server.kind];
  if (reset === undefined)
    return `The prefix cache was not emptied before the repetitions: ${name} has no way.`;
  try {
    await reset(endpoint, server);
    return server.kind === 'llama.cpp'
      ? 'The slots of llama.cpp were erased before each repetition; prompts that it keeps in host memory (--cache-ram) were not.'
      : 'The server’s prefix cache was emptied before each repetition.';
  } catch (error) {
    if (!(error instanceof EndpointError)) throw error;
    return `The prefix cache could not be emptied: ${error.message}`;
  }
}

export interface ActionWish {
  readonly act: ServerAct;
  readonly slot: number;
  /** Under which a slot is saved, in the server's own folder. */
  readonly file: string;
}

const SLOT_ACTIONS = { 'erase a slot': 'erase', 'save a slot': 'save', 'restore a slot': 'restore' } as const;

/** Does one thing to a server's cache, and says what it was. @throws EndpointError in one sentence where it can't be done */
export async function actOnServer(
  endpoint: Endpoint,
  server: LoadedServer,
  { act, slot, file }: ActionWish,
): Promise<string> {
  const { name, act: able } = SERVER_ABILITIES[server.kind];
  if (!able.includes(act)) {
    const can = able.length === 0 ? 'it has nothing of the kind' : `it can ${able.join(', ')}`;
    throw new EndpointError('bad request', `${name} can’t ${act}: ${can}.`);
  }
  if (act === 'reset the prefix cache') {
    await RESETS[server.kind]?.(endpoint, server);
    return 'The prefix cache was emptied.';
  }
  const slots = server.maxSequences ?? 1;
  if (!Number.isInteger(slot) || slot < 0 || slot >= slots) {
    throw new EndpointError(
      'bad request',
      `There is no slot ${slot}; the server has ${slots}, from 0 to ${slots - 1}.`,
    );
  }
  const action = SLOT_ACTIONS[act];
  if (action !== 'erase' && !/^[\w][\w.-]{0,99}$/.test(file)) {
    throw new EndpointError(
      'bad request',
      'The file’s name may have letters, digits, dots and dashes, and no folder; such as slot-0.bin.',
    );
  }
  const told = await actOnSlot(endpoint, slot, action, action === 'erase' ? undefined : file);
  return `${DONE[action]} (${told}).`.replace('{slot}', String(slot)).replace('{file}', file);
}

const DONE = {
  erase: 'Slot {slot} was erased',
  save: 'Slot {slot} was saved as {file}',
  restore: 'Slot {slot} was restored from {file}',
} as const;

const TOLD: readonly (readonly [string, string])[] = [
  ['n_erased', 'tokens'],
  ['n_saved', 'tokens'],
  ['n_restored', 'tokens'],
  ['n_written', 'bytes'],
  ['n_read', 'bytes'],
];

/** With a comma at every third digit. */
function grouped(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** What llama.cpp counts in its answer: `17 tokens, 92,180 bytes`. */
function countsOf(text: string): string {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    return 'it gives no counts';
  }
  const counts = TOLD.flatMap(([field, unit]) => {
    const value: unknown =
      typeof document === 'object' && document !== null ? Reflect.get(document, field) : null;
    return typeof value === 'number' ? [`${grouped(value)} ${unit}`] : [];
  });
  return counts.length === 0 ? 'it gives no counts' : counts.join(', ');
}
