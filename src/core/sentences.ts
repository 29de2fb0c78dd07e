/** Turns a schema's issue into one sentence: where, the wrong value, the remedy. */
import type * as v from 'valibot';

type Issue = v.BaseIssue<unknown>;

function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object' && value !== null) return 'an object';
  return String(value);
}

function limit(issue: Issue): string {
  const limit = issue as { requirement?: unknown };
  return Array.isArray(limit.requirement) ? limit.requirement.join(', ') : String(limit.requirement);
}

/** A least value so close to zero is there to keep zero out. */
const NEXT_TO_ZERO = 1e-3;

/** Whether a least value means that anything above zero will do. */
export function keepsZeroOut(least: number): boolean {
  return least > 0 && least <= NEXT_TO_ZERO;
}

/** What to do about a number below its least: `the least is 1`, `it must be more than 0: the least is 0.000001`. */
export function leastWords(value: number, least: number, written = String(least)): string {
  return `${value <= 0 && keepsZeroOut(least) ? 'it must be more than 0: ' : ''}the least is ${written}`;
}

function leastOf(issue: Issue): string {
  const { requirement } = issue as { requirement?: unknown };
  return typeof issue.input === 'number' && typeof requirement === 'number'
    ? leastWords(issue.input, requirement)
    : `the least is ${limit(issue)}`;
}

function size(input: unknown): number {
  return typeof input === 'string' || Array.isArray(input) ? input.length : 0;
}

const REMEDIES: Record<string, (path: string, issue: Issue) => string> = {
  max_value: (path, issue) => `${path} is ${show(issue.input)}; the most is ${limit(issue)}.`,
  min_value: (path, issue) => `${path} is ${show(issue.input)}; ${leastOf(issue)}.`,
  integer: (path, issue) => `${path} is ${show(issue.input)}; a whole number is needed.`,
  finite: (path, issue) => `${path} is ${show(issue.input)}; a finite number is needed.`,
  number: (path, issue) => `${path} is ${show(issue.input)}; a number is needed.`,
  string: (path, issue) => `${path} is ${show(issue.input)}; a text is needed.`,
  boolean: (path, issue) => `${path} is ${show(issue.input)}; true or false is needed.`,
  array: (path, issue) => `${path} is ${show(issue.input)}; a list is needed.`,
  max_length: (path, issue) => `${path} has a length of ${size(issue.input)}; the most is ${limit(issue)}.`,
  min_length: (path, issue) => `${path} has a length of ${size(issue.input)}; the least is ${limit(issue)}.`,
  picklist: (path, issue) => `${path} is ${show(issue.input)}; choose one of ${choices(issue)}.`,
  literal: (path, issue) => `${path} is ${show(issue.input)}; it must be ${issue.expected}.`,
  variant: (path, issue) => `${path} is ${show(issue.input)}; choose one of ${choices(issue)}.`,
  regex: (path, issue) => `${path} is ${show(issue.input)}, which ${issue.message}`,
  check: (path, issue) => `${path}: ${issue.message}`,
};

function choices(issue: Issue): string {
  return (issue.expected ?? '').replace(/[()"]/g, '').split(' | ').join(', ');
}

/** Dotted path of an issue; the name of the document where the issue is with the whole. */
export function issuePath(issue: Issue, document: string): string {
  const keys = (issue.path ?? []).map((part) => String(part.key));
  return keys.length === 0 ? document : keys.join('.').slice(0, 120);
}

/**
 * One sentence for the first issue of a failed parse.
 * @param document what was read, for issues with the whole: 'the scenario'
 * @param example  a valid document, to name the settings that exist where an unknown one was met
 */
export function issueSentence(
  issues: readonly [Issue, ...Issue[]],
  document: string,
  example?: unknown,
): string {
  const issue = issues[0];
  const path = issuePath(issue, document);
  if (issue.type === 'strict_object' && issue.expected === 'never') {
    if (example === undefined) return `${path} is not part of ${document.toLowerCase()}; remove it.`;
    return `${path} is not a setting; ${knownNames(issue, example)}.`;
  }
  if (issue.received === 'undefined') return `${path} is missing; add it.`;
  const remedy = REMEDIES[issue.type];
  if (remedy) return remedy(path, issue);
  return `${path} is ${show(issue.input)}, which does not fit here; ${issue.expected ?? 'another value'} is needed.`;
}

function knownNames(issue: Issue, example: unknown): string {
  let parent = example;
  for (const part of (issue.path ?? []).slice(0, -1)) {
    const key = String(part.key);
    if (typeof parent !== 'object' || parent === null || !Object.hasOwn(parent, key)) return 'remove it';
    parent = Object.entries(parent).find(([name]) => name === key)?.[1];
  }
  if (typeof parent !== 'object' || parent === null || Array.isArray(parent)) return 'remove it';
  return `remove it or use one of ${Object.keys(parent).join(', ')}`;
}
