/** What keeps KV from being moved, in one sentence with the remedy. */

export const TRANSFER_FAULTS = [
  /** The other side is another model. */
  'other-model',
  /** An engine whose settings can't give or take sequences. */
  'settings',
  /** The sequence has ended, or there is none. */
  'no-sequence',
  /** It does not fit into the engine that should take it. */
  'too-large',
  /** A file or message that is no KV of ours, or of a version that is not known here. */
  'format',
  /** Bytes that are not those that were sent. */
  'damaged',
  /** The other side stopped it. */
  'refused',
] as const;
export type TransferFault = (typeof TRANSFER_FAULTS)[number];

export class TransferError extends Error {
  readonly code = 'transfer';
  readonly fault: TransferFault;
  constructor(fault: TransferFault, sentence: string) {
    super(sentence);
    this.name = 'TransferError';
    this.fault = fault;
  }
}
