/** What a transfer worker loads when its first model is asked for. */
export { Mover } from '../lab/transfer/mover.ts';
