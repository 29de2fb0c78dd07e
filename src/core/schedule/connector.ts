/**
 * KV that lies outside of a replica's block pool, as its scheduler sees it: in a lower tier, with the replica that
 * computed the prompt, or in host memory after a swap. One interface for the three, as in vLLM's KV connector.
 *
 * The scheduler asks at admission and tells what it loads and what it gives up. When the bytes move and how long that
 * takes is the connector's: src/sim has the ones of the simulator.
 */

export interface KvConnector {
  /**
   * Tokens of a request that can be loaded in addition to the first `found`, which the block pool holds itself. Fewer
   * than `total − found`: the last token is always computed. Nothing is promised by asking.
   */
  matched(request: number, found: number, total: number): number;
  /** The request was admitted with `tokens` loaded ones behind the first `found`. */
  load(request: number, found: number, tokens: number): void;
  /** A running request with `computed` tokens is about to lose its blocks. True: they are kept, to be loaded later. */
  keep(request: number, computed: number): boolean;
}
