/**
 * What happens to single blocks, for whoever listens: the block view, the access profile.
 *
 * A listener is called some hundred million times in a long run when it is set, so events are numbers and not objects.
 */

export const BLOCK_EVENT_KINDS = ['alloc', 'free', 'hit', 'cache', 'evict', 'drop'] as const;
export type BlockEventKind = (typeof BLOCK_EVENT_KINDS)[number];

/**
 * @param kind
 *   alloc: the block joins the request's table, its old contents gone
 *   hit:   the block joins the request's table with contents that another one computed (`id`)
 *   cache: the block is full and can be found by `id`
 *   evict: a cached block that nobody refers to loses its contents (`id`), because `request` needs room
 *   drop:  a block that nobody refers to loses its contents (`id`), because another block holds the same text; `request` was
 *          the last to refer to it
 *   free:  the request gives up the block
 * @param request row of the request that caused it
 * @param id block id of request table, −1 for text that nobody shares; of `alloc` the group of layers that the block is
 *   for, counted from 0, or −1 where there is one group only
 */
export type BlockListener = (kind: BlockEventKind, block: number, request: number, id: number) => void;
