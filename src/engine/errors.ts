/** What can go wrong with an engine beyond its device's memory. */

/** Settings that contradict each other or the model; the sentence names the way out. */
export class EngineSettingsError extends Error {
  readonly code = 'engine-settings';
  constructor(sentence: string) {
    super(sentence);
    this.name = 'EngineSettingsError';
  }
}

/** A request that can't be served as it is. */
export class RequestError extends Error {
  readonly code = 'request';
  constructor(sentence: string) {
    super(sentence);
    this.name = 'RequestError';
  }
}

/** The device went away in the middle: what was generated stands in each sequence, and can go on elsewhere. */
export class EngineLostError extends Error {
  readonly code = 'device-lost';
  constructor(reason: string) {
    super(`The GPU was lost while the model ran (${reason}); its sequences can go on from their tokens.`);
    this.name = 'EngineLostError';
  }
}
