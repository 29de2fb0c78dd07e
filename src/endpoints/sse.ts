/**
 * Server-sent events from bytes that are cut anywhere: inside a line, between CR and LF, inside a UTF-8 character.
 *
 * The part of the HTML standard's event-stream grammar that these servers use: `data` fields, comments, blank lines.
 * Event names, ids and retry times are read over. An event that has no end in sight is refused, not collected.
 */

const MAX_EVENT_CHARACTERS = 4_000_000;

export class EventTooLongError extends Error {
  constructor() {
    super(`An event of the stream has more than ${MAX_EVENT_CHARACTERS} characters.`);
    this.name = 'EventTooLongError';
  }
}

export class EventStreamReader {
  readonly #decoder = new TextDecoder();
  #rest = '';
  #data: string[] = [];
  #size = 0;
  #afterReturn = false;

  /** The data of the events that are complete now. @throws EventTooLongError */
  push(bytes: Uint8Array): string[] {
    return this.#read(this.#decoder.decode(bytes, { stream: true }));
  }

  /** After the last byte: an event without its blank line counts as one, since servers forget it. */
  end(): string[] {
    const events = this.#read(`${this.#decoder.decode()}\n\n`);
    this.#rest = '';
    return events;
  }

  #read(decoded: string): string[] {
    // A line feed that follows a return of the piece before ends the same line.
    const text = this.#afterReturn && decoded.startsWith('\n') ? decoded.slice(1) : decoded;
    if (decoded !== '') this.#afterReturn = decoded.endsWith('\r');
    const lines = (this.#rest + text).split(/\r\n|\n|\r/);
    this.#rest = lines.pop() ?? '';
    if (this.#rest.length + this.#size > MAX_EVENT_CHARACTERS) throw new EventTooLongError();
    const events: string[] = [];
    for (const line of lines) {
      const event = this.#line(line);
      if (event !== null) events.push(event);
    }
    return events;
  }

  /** Data of the event that the line ends, or null. */
  #line(line: string): string | null {
    if (line === '') {
      if (this.#data.length === 0) return null;
      const event = this.#data.join('\n');
      this.#data = [];
      this.#size = 0;
      return event;
    }
    if (!line.startsWith('data:')) return null;
    const value = line.slice(line[5] === ' ' ? 6 : 5);
    this.#data.push(value);
    this.#size += value.length;
    if (this.#size > MAX_EVENT_CHARACTERS) throw new EventTooLongError();
    return null;
  }
}
