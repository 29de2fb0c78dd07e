/**
 * A model of a Hugging Face repository by name: a folder whose files are fetched when they are read, and kept.
 *
 * Boundary: files. Which of them a model needs is for weights/open.ts to ask; `standardFiles` names them ahead for
 * progress and for `download`. With no network, what is kept answers; what is not says so.
 */
import type { ByteSource } from '../files/byte-source.ts';
import { readText } from '../files/byte-source.ts';
import { ModelError } from '../files/error.ts';
import type { TokenizerFiles } from '../tokenizer/types.ts';
import type { ModelFolder } from '../weights/open.ts';
import { listModel, type HubConnection, type HubFile, type HubListing } from './client.ts';
import { DEFAULT_HUB, readHubAddress, readRepository, type Repository } from './repository.ts';
import { hubSource } from './source.ts';
import { openModelStore, SEGMENT_BYTES, type ModelStore } from './store.ts';

export interface HubProgress {
  /** Bytes read of the standard files, from the hub or from what is kept. Counted once each. */
  readonly loadedBytes: number;
  /** Bytes of the standard files. */
  readonly totalBytes: number;
  readonly file: string;
  readonly from: 'hub' | 'store';
}

export interface HubOptions {
  readonly revision?: string;
  /** A read token for gated models; sent to the hub alone, kept nowhere. */
  readonly token?: string;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: HubProgress) => void;
  /** Address of another hub that speaks the same paths. */
  readonly hub?: string;
  /** Left out: the browser's. Null: nothing is kept. */
  readonly store?: ModelStore | null;
  /** Left out: the runtime's. */
  readonly fetch?: typeof globalThis.fetch;
  readonly pauseMs?: (attempt: number) => number;
}

export interface HubModel extends ModelFolder {
  readonly repository: string;
  readonly commit: string;
  readonly files: readonly HubFile[];
  /** True where the hub did not answer, and the listing is the one that was kept. */
  readonly offline: boolean;
  /** False once the browser had no room, or keeps nothing at all. */
  readonly isKept: boolean;
  /** Fetches every standard file. What is here already is not fetched again. */
  download(): Promise<void>;
  /** null where the repository has no tokenizer.json: the model runs on token ids. */
  tokenizerFiles(): Promise<TokenizerFiles | null>;
}

const TOKENIZER_FILES = ['tokenizer.json', 'tokenizer_config.json', 'chat_template.jinja'] as const;
const SMALL_FILES: readonly string[] = [
  'config.json',
  'generation_config.json',
  'model.safetensors.index.json',
  ...TOKENIZER_FILES,
];
const WEIGHTS = /^model(-\d{5}-of-\d{5})?\.safetensors$/;
const MAX_TEXT_BYTES = 64 * 2 ** 20;
const PAUSES_MS = [500, 2000, 6000];

/** What a safetensors model consists of, among all that a repository holds. */
export function standardFiles(files: readonly HubFile[]): HubFile[] {
  const single = files.some(({ name }) => name === 'model.safetensors');
  return files.filter(({ name }) => {
    if (SMALL_FILES.includes(name)) return !(single && name === 'model.safetensors.index.json');
    return WEIGHTS.test(name) && (!single || name === 'model.safetensors');
  });
}

/** @throws ModelError, one sentence each */
export async function hubModel(repo: string, options: HubOptions = {}): Promise<HubModel> {
  const repository = readRepository(repo, options.revision);
  const connection: HubConnection = {
    hub: readHubAddress(options.hub ?? DEFAULT_HUB),
    token: readToken(options.token),
    fetch: options.fetch ?? globalThis.fetch.bind(globalThis),
    pauseMs: options.pauseMs ?? ((attempt) => PAUSES_MS[attempt] ?? 6000),
  };
  const store = options.store === undefined ? await openModelStore() : options.store;
  const { listing, offline } = await findListing(connection, repository, store, options.signal);
  return folderOf(connection, repository, listing, offline, store, options);
}

function readToken(token: string | undefined): string | null {
  if (token === undefined || token === '') return null;
  if (/^[\x21-\x7e]{1,256}$/.test(token)) return token;
  throw new ModelError(
    'unsupported',
    'This token has characters that no token has; copy it again, without blanks.',
  );
}

/** The hub's listing; the kept one where the hub can't be reached. */
async function findListing(
  connection: HubConnection,
  repository: Repository,
  store: ModelStore | null,
  signal: AbortSignal | undefined,
): Promise<{ listing: HubListing; offline: boolean }> {
  const { id, revision } = repository;
  try {
    const listing = await listModel(connection, repository, signal);
    await store?.keepListing(connection.hub, id, revision, listing);
    return { listing, offline: false };
  } catch (error) {
    const away =
      error instanceof ModelError && (error.code === 'network' || Number(error.data['status']) >= 500);
    const kept = away ? await store?.listing(connection.hub, id, revision) : null;
    if (!kept) throw error;
    return { listing: kept, offline: true };
  }
}

function folderOf(
  connection: HubConnection,
  { id }: Repository,
  { commit, files }: HubListing,
  offline: boolean,
  store: ModelStore | null,
  { signal, onProgress }: HubOptions,
): HubModel {
  const repository: Repository = { id, revision: commit };
  const key = { hub: connection.hub, id, commit };
  const standard = standardFiles(files);
  const totalBytes = standard.reduce((sum, { size }) => sum + size, 0);
  const sources = new Map<string, ByteSource>();
  /** Bytes read by file; a stretch that is read twice counts once. */
  const loaded = new Map<string, number>();
  let isKept = store !== null;

  const count = (file: HubFile, bytes: number, from: 'hub' | 'store'): void => {
    loaded.set(file.name, Math.min(file.size, (loaded.get(file.name) ?? 0) + bytes));
    const loadedBytes = standard.reduce((sum, { name }) => sum + (loaded.get(name) ?? 0), 0);
    onProgress?.({ loadedBytes, totalBytes, file: file.name, from });
  };

  const open = (name: string): ByteSource | null => {
    const known = sources.get(name);
    const file = known ? undefined : files.find((one) => one.name === name);
    if (!file) return known ?? null;
    const source = hubSource({
      connection,
      repository,
      file,
      key,
      store,
      onBytes: (bytes, from) => count(file, bytes, from),
      onFull: () => {
        isKept = false;
      },
    });
    sources.set(name, source);
    return source;
  };

  const text = async (name: string): Promise<string | undefined> => {
    const source = open(name);
    return source ? readText(source, MAX_TEXT_BYTES, signal) : undefined;
  };

  return {
    name: id,
    repository: id,
    commit,
    files,
    offline,
    get isKept() {
      return isKept;
    },
    file: async (name) => open(name),
    async download() {
      for (const { name, size } of standard) {
        for (let at = 0; at < size; at += SEGMENT_BYTES) {
          await open(name)?.read(at, Math.min(SEGMENT_BYTES, size - at), signal);
        }
      }
    },
    async tokenizerFiles() {
      const [document, config, template] = TOKENIZER_FILES;
      const tokenizerJson = await text(document);
      if (tokenizerJson === undefined) return null;
      const tokenizerConfig = await text(config);
      const chatTemplate = await text(template);
      return {
        tokenizerJson,
        ...(tokenizerConfig === undefined ? {} : { tokenizerConfig }),
        ...(chatTemplate === undefined ? {} : { chatTemplate }),
      };
    },
  };
}
