/** What a hub answers instead of a file, in one sentence with what helps. */
import { ModelError } from '../files/error.ts';
import type { Repository } from './repository.ts';

export interface Asked {
  readonly hub: string;
  readonly repository: Repository;
  /** null: the repository itself. */
  readonly file: string | null;
  readonly hasToken: boolean;
  /** Whether what arrives is kept. */
  readonly isKept: boolean;
}

/** @param retryAfterSeconds what the server asks for; null where it says nothing */
export function refusal(status: number, asked: Asked, retryAfterSeconds: number | null): ModelError {
  const sentence = status >= 500 ? serverFault(status, asked) : clientFault(status, asked, retryAfterSeconds);
  return new ModelError('http', sentence, { status });
}

function clientFault(status: number, asked: Asked, retryAfterSeconds: number | null): string {
  const { repository, hub, hasToken } = asked;
  const page = `${hub}/${repository.id}`;
  switch (status) {
    case 401:
      return hasToken
        ? `${hostOf(hub)} does not accept this token for ${repository.id}; make a new read token in its settings.`
        : `${repository.id} does not exist, or is gated or private: check its name, accept its terms at ${page}, and give a read token.`;
    case 403:
      return hasToken
        ? `This token may not read ${repository.id}; accept its terms at ${page} with the same account.`
        : `${repository.id} is gated; accept its terms at ${page} and give a read token.`;
    case 404:
      return missing(asked);
    case 429: {
      const when = retryAfterSeconds === null ? 'in a few minutes' : `in ${retryAfterSeconds} s`;
      return `${hostOf(hub)} was asked too often (429); try again ${when}${hasToken ? '' : ', or give a token'}.`;
    }
    default:
      return `${hostOf(hub)} refuses ${whatOf(asked)} (${status}); open ${page} to see why.`;
  }
}

function missing(asked: Asked): string {
  const { repository, hub, file } = asked;
  const { id, revision } = repository;
  if (file !== null)
    return `${id} has no ${file} at revision ${revision}; ${hub}/${id}/tree/${revision} lists what it has.`;
  return revision === 'main'
    ? `${hostOf(hub)} has no model ${id}; check owner and name (capital letters count).`
    : `${hostOf(hub)} has no model ${id} with a revision ${revision}; check the name, or leave the revision out.`;
}

function serverFault(status: number, asked: Asked): string {
  return `${hostOf(asked.hub)} has a fault of its own (${status}) and can't give ${whatOf(asked)}; try again later.`;
}

/** Nothing answered at all. */
export function unreachable(asked: Asked): ModelError {
  const offline = typeof navigator !== 'undefined' && navigator.onLine === false;
  return new ModelError(
    'network',
    offline
      ? `There is no network, and ${whatOf(asked)} is not kept in this browser; load it once while online, or choose files from a folder.`
      : `${hostOf(asked.hub)} does not answer for ${whatOf(asked)}; check the network, or choose files from a folder.`,
  );
}

/** A download that broke off more often than it is worth trying. */
export function brokeOff(asked: Asked, atByte: number, bytes: number): ModelError {
  return new ModelError(
    'network',
    `The download of ${whatOf(asked)} broke off at byte ${atByte} of ${bytes}; ` +
      (asked.isKept ? 'what arrived is kept: load it again to go on from there.' : 'load it again.'),
    { at: atByte, bytes },
  );
}

export function whatOf({ repository, file }: Asked): string {
  return file === null ? repository.id : `${file} of ${repository.id}`;
}

export function hostOf(hub: string): string {
  return new URL(hub).host;
}
