/** A small inference server on loopback that behaves, or misbehaves, as a test tells it. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Sent {
  readonly path: string;
  readonly body: Record<string, unknown>;
  readonly key: string | undefined;
  readonly atMs: number;
}

export interface FakeServer {
  readonly url: string;
  readonly sent: readonly Sent[];
  /** Most requests that were open at once. */
  readonly mostOpen: () => number;
  close(): Promise<void>;
}

/** Answers a completion; `n` counts them from 0. */
export type Completion = (response: ServerResponse, sent: Sent, n: number) => void | Promise<void>;

export interface FakeOptions {
  readonly completion?: Completion;
  /** Other answers by path; undefined: not found. */
  readonly documents?: Readonly<Record<string, string>>;
  /** Lets other pages ask it, as browsers want to be told. */
  readonly cors?: boolean;
}

/** Words are tokens here. */
export function promptTokens({ prompt, messages }: Record<string, unknown>): number {
  if (Array.isArray(prompt)) return prompt.length;
  const text = typeof prompt === 'string' ? prompt : JSON.stringify(messages);
  return text.split(' ').length;
}

export function eventOf(text: string, chat: boolean): string {
  const choice = chat ? { delta: { content: text } } : { text };
  return `data: ${JSON.stringify({ choices: [{ ...choice, finish_reason: null }] })}\n\n`;
}

export function ending({ path, body }: Sent, tokens: number): string {
  const usage = {
    prompt_tokens: promptTokens(body),
    completion_tokens: tokens,
    prompt_tokens_details: { cached_tokens: 0 },
  };
  const choice = {
    [path.includes('chat') ? 'delta' : 'text']: path.includes('chat') ? {} : '',
    finish_reason: 'length',
  };
  return `data: ${JSON.stringify({ choices: [choice], usage })}\n\ndata: [DONE]\n\n`;
}

export function beginStream(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
}

/** As many words as were asked for, one every `everyMs`. */
export function streaming(everyMs: number): Completion {
  return async (response, sent) => {
    beginStream(response);
    const tokens = Number(sent.body['max_tokens']);
    for (let i = 0; i < tokens && !response.destroyed; i++) {
      await new Promise((resolve) => setTimeout(resolve, everyMs));
      response.write(eventOf(` w${i}`, sent.path.includes('chat')));
    }
    response.end(ending(sent, tokens));
  };
}

const MODELS = JSON.stringify({
  object: 'list',
  data: [{ id: 'tiny', owned_by: 'vllm', max_model_len: 4096 }],
});

async function textOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const piece of request) text += String(piece);
  return text;
}

export async function fakeServer({
  completion = streaming(1),
  documents = {},
  cors = false,
}: FakeOptions = {}): Promise<FakeServer> {
  const sent: Sent[] = [];
  let [open, most, completions] = [0, 0, 0];
  const answers: Readonly<Record<string, string>> = {
    '/v1/models': MODELS,
    '/version': '{"version":"0.1"}',
    ...documents,
  };
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const text = await textOf(request);
    const path = request.url ?? '';
    if (cors) {
      for (const name of ['origin', 'headers', 'methods'])
        response.setHeader(`access-control-allow-${name}`, '*');
      // A wildcard does not stand for this one.
      response.setHeader('access-control-allow-headers', 'authorization, content-type');
      if (request.method === 'OPTIONS') {
        response.writeHead(204).end();
        return;
      }
    }
    if (request.method === 'POST' && path.endsWith('completions')) {
      const asked: Sent = {
        path,
        body: JSON.parse(text),
        key: request.headers.authorization,
        atMs: performance.now(),
      };
      sent.push(asked);
      most = Math.max(most, ++open);
      response.on('close', () => open--);
      return completion(response, asked, completions++);
    }
    const document = answers[path];
    const type = document?.startsWith('{') === true ? 'application/json' : 'text/plain';
    response.writeHead(document === undefined ? 404 : 200, { 'content-type': type });
    response.end(document ?? '{"detail":"Not Found"}');
  };
  const server = createServer((request, response) => {
    handle(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, sent, mostOpen: () => most, close: () => closed(server) };
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
