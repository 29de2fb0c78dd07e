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
}

export type ServerAct = 'reset the prefix cache' | 'erase a slot' | 'save a slot' | 'restore a slot';

export const SERVER_ABILITIES: Readonly<Record<ServerKind, ServerAbilities>> = {
  vllm: { name: 'vLLM', load: true, observe: true, act: ['reset the prefix cache'] },
  sglang: { name: 'SGLang', load: true, observe: true, act: ['reset the prefix cache'] },
  'llama.cpp': {
    name: 'llama.cpp',
    load: true,
    observe: true,
    act: ['reset the prefix cache', 'erase a slot', 'save a slot', 'restore a slot'],
  },
  tgi: { name: 'TGI', load: true, observe: true, act: [] },
  dynamo: { name: 'Dynamo', load: true, observe: true, act: [] },
  'tensorrt-llm': { name: 'TensorRT-LLM', load: true, observe: false, act: [] },
  ollama: { name: 'Ollama', load: true, observe: false, act: [] },
  'lm-studio': { name: 'LM Studio', load: true, observe: false, act: [] },
  unknown: { name: 'a server that does not say what it is', load: true, observe: false, act: [] },
};

/** @throws EndpointError in one sentence where the server refuses */
async function post(endpoint: Endpoint, path: string, body?: string): Promise<void> {
  const given = body === undefined ? {} : { body };
  const { status, text } = await ask(endpoint, `${endpoint.root}${path}`, { method: 'POST', ...given });
  if (status >= 400) throw faultOfStatus(status, text, endpoint);
}

/** Acts on one slot of llama.cpp. @throws EndpointError in one sentence */
export async function actOnSlot(
  endpoint: Endpoint,
  slot: number,
  action: 'erase' | 'save' | 'restore',
  filename?: string,
): Promise<void> {
  const body = filename === undefined ? undefined : JSON.stringify({ filename });
  await post(endpoint, `/slots/${slot}?action=${action}`, body);
}

type Reset = (endpoint: Endpoint, server: LoadedServer) => Promise<void>;

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
