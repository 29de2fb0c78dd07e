/** Commands as a person pastes them into a POSIX shell: quoted, one flag a line, what has to be known as comments. */
import type { Argument } from './flags.ts';

/** A word that the shell hands on unchanged. */
export function quoted(word: string): string {
  return /^[\w./=:@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/**
 * @param head command and subject, already quoted
 * @param comments sentences that go before it
 */
export function shellCommand(
  head: string,
  args: readonly Argument[],
  comments: readonly string[] = [],
): string {
  const lines = args.map(([flag, value]) =>
    value === undefined ? flag : `${flag} ${quoted(String(value))}`,
  );
  return `${commentLines(comments)}${[head, ...lines].join(' \\\n  ')}\n`;
}

/** Sentences as `#` lines, of a shell or of YAML. */
export function commentLines(comments: readonly string[]): string {
  return comments.map((comment) => `# ${comment.replace(/\s+/g, ' ')}\n`).join('');
}
