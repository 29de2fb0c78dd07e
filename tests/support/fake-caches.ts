/** Cache storage in memory: the part of it that models are kept with. */

/** @param roomBytes bodies beyond it are refused, as a browser does whose quota is used up */
export function fakeCaches(roomBytes = Infinity): CacheStorage {
  const entries = new Map<string, { body: Uint8Array<ArrayBuffer>; headers: [string, string][] }>();
  const addressOf = (request: RequestInfo | URL): string =>
    request instanceof Request ? request.url : String(request);
  const cache: Partial<Cache> = {
    match: async (request) => {
      const found = entries.get(addressOf(request));
      return found && new Response(found.body.slice(), { headers: found.headers });
    },
    put: async (request, response) => {
      const body = new Uint8Array(await response.arrayBuffer());
      const used = [...entries.values()].reduce((sum, entry) => sum + entry.body.length, 0);
      if (used + body.length > roomBytes) throw new DOMException('Quota exceeded.', 'QuotaExceededError');
      entries.set(addressOf(request), { body, headers: [...response.headers] });
    },
    keys: async () => [...entries.keys()].map((address) => new Request(address)),
    delete: async (request) => entries.delete(addressOf(request)),
  };
  return { open: async () => cache } as unknown as CacheStorage;
}
