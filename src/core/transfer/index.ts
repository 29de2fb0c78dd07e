/** Moving KV, for users of the package: the file, the package, the conversion, and the two halves of the protocol. */
export { TRANSFER_FAULTS, TransferError, type TransferFault } from './error.ts';
export { decodeFile, encodeFile, TRANSFER_FILE_ENDING } from './file.ts';
export { convertKv, type KvShapeOf, type SequenceKv } from './kv.ts';
export {
  packPrefixes,
  packSequence,
  TRANSFER_VERSION,
  unpackPrefixes,
  unpackSequence,
  type TransferHeader,
  type TransferPackage,
  type TransferTrailer,
} from './package.ts';
export { TransferReceiver, type ReceiverOptions, type ReceiverStatus } from './receiver.ts';
export { TransferSender, type SenderProgress, type SenderStatus } from './sender.ts';
export type { ModelIdentity, MovedSequence, PrefixEntry, PrefixSnapshot, SequenceSnapshot } from './types.ts';
