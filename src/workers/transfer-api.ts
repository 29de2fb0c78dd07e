/**
 * What the page asks of a worker that moves sequences: a model of its own on a device of its own, so that two of them
 * are two engines. The facade is comlink's; errors cross as `{code, message, data}`.
 *
 * One task on the GPU at a time; `receive` may wait beside it. A pipe is a MessagePort that is transferred here; what the
 * page joins it to (another worker's, another tab, another machine) is its own affair.
 */
import type { PowerPreference } from '../lab/types.ts';
import type { LoadWish, ModelFacts, ModelProgress, ModelSource } from '../lab/model/types.ts';
import type {
  ArrivedSequence,
  FinishedSequence,
  HeldSequence,
  MoveCache,
  MoveText,
  OpenedPrefixes,
  ReceiveNews,
  SavedPrefixes,
  SendNews,
  SentSequence,
  WriteWish,
} from '../lab/transfer/types.ts';
import type { Outcome } from './api.ts';

export type * from '../lab/transfer/types.ts';
export type { Outcome } from './api.ts';

export interface TransferWorkerApi {
  load(
    source: ModelSource,
    wish: LoadWish & { readonly power: PowerPreference },
    onProgress: (progress: ModelProgress) => void,
  ): Promise<Outcome<ModelFacts>>;
  /** Begins a sequence; it stands still after `holdAt` tokens. */
  write(wish: WriteWish, onNews: (text: MoveText) => void): Promise<Outcome<HeldSequence>>;
  /** The sequence that stands still goes on here, to its end. */
  stay(onNews: (text: MoveText) => void): Promise<Outcome<MoveText>>;
  /** `live`: it writes on while its full blocks travel. */
  send(pipe: MessagePort, live: boolean, onNews: (news: SendNews) => void): Promise<Outcome<SentSequence>>;
  /** Resolves when a sequence is here, whole and checked. */
  receive(pipe: MessagePort, onNews: (news: ReceiveNews) => void): Promise<Outcome<ArrivedSequence>>;
  /** What came goes on to its end. @param check compares it with the same request in an engine that was never left */
  goOn(
    cache: MoveCache,
    check: boolean,
    onNews: (text: MoveText) => void,
  ): Promise<Outcome<FinishedSequence>>;
  /** The sequence here as a file. */
  save(): Promise<Outcome<Blob>>;
  open(file: Blob): Promise<Outcome<ArrivedSequence>>;
  savePrefixes(): Promise<Outcome<SavedPrefixes>>;
  openPrefixes(file: Blob, cache: MoveCache): Promise<Outcome<OpenedPrefixes>>;
  pause(): void;
  resume(): void;
  /** The pipe works again, or leads elsewhere: what is on its way is offered anew. */
  reconnect(): void;
  cancel(): void;
}
