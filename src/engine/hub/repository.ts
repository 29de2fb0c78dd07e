/** Names of the hub, checked before anything is asked for. Source of the rules: huggingface_hub `validate_repo_id`. */
import { ModelError, quoted } from '../files/error.ts';

export const DEFAULT_HUB = 'https://huggingface.co';

export interface Repository {
  /** `owner/name`; a few of the oldest have a name only. */
  readonly id: string;
  /** Branch, tag or commit. */
  readonly revision: string;
}

const NAME = /^[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9_])?$/;
const REVISION = /^[A-Za-z0-9_][A-Za-z0-9._/-]{0,127}$/;
const FILE = /^[^\u0000-\u001f\\?#:*|"<>]{1,512}$/u;

/**
 * Reads `owner/name`, `owner/name@revision`, or the address of a model's page.
 * @throws ModelError `unsupported`
 */
export function readRepository(text: string, revision?: string): Repository {
  const trimmed = text.trim();
  const path = trimmed.replace(/^https?:\/\/(?:www\.)?(?:huggingface\.co|hf\.co)\//, '');
  const [named = '', tail] = path.replace(/\/+$/, '').split(/@|\/(?:tree|blob|resolve)\//, 2);
  const parts = named.split('/');
  const isName = (part: string): boolean => NAME.test(part) && !part.includes('--') && !part.includes('..');
  if (parts.length > 2 || !parts.every(isName)) {
    throw new ModelError(
      'unsupported',
      `${quoted(trimmed)} is no repository; write its owner and name, such as HuggingFaceTB/SmolLM2-135M.`,
    );
  }
  return { id: named, revision: readRevision(revision ?? tail ?? 'main') };
}

function readRevision(text: string): string {
  if (REVISION.test(text) && !text.includes('..') && !text.endsWith('/')) return text;
  throw new ModelError(
    'unsupported',
    `${quoted(text)} is no revision; write a branch, a tag or a commit, such as main.`,
  );
}

/** Whether a name that the hub lists may become part of an address. */
export function isFileName(name: string): boolean {
  return FILE.test(name) && name.split('/').every((part) => part !== '' && part !== '.' && part !== '..');
}

/**
 * The hub's address without a slash at its end. Plain http only for this machine.
 * @throws ModelError `unsupported`
 */
export function readHubAddress(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  const local = url !== null && ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);
  if (url === null || !(url.protocol === 'https:' || (url.protocol === 'http:' && local))) {
    throw new ModelError(
      'unsupported',
      `${quoted(text)} is no address of a hub; it must begin with https://.`,
    );
  }
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
}

const encoded = (path: string): string => path.split('/').map(encodeURIComponent).join('/');

export function fileAddress(hub: string, { id, revision }: Repository, file: string): string {
  return `${hub}/${encoded(id)}/resolve/${encodeURIComponent(revision)}/${encoded(file)}`;
}

export function modelAddress(hub: string, { id, revision }: Repository): string {
  return `${hub}/api/models/${encoded(id)}/revision/${encodeURIComponent(revision)}?blobs=true`;
}
