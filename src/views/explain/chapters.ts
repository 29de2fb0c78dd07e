/**
 * The worked example in words, a chapter a step of scenarios/ten-blocks.json. The numbers in the text are those of the run;
 * tests/sim/ten-blocks.test.ts pins the run, tests/views/explain.test.ts holds the text against it.
 */

export interface Chapter {
  /** Step after which the pool is shown; −1: before the first. */
  readonly step: number;
  readonly title: string;
  readonly text: readonly string[];
  /** The general rule behind what happened. */
  readonly rule: string;
}

export const CHAPTERS: readonly Chapter[] = [
  {
    step: -1,
    title: 'Why blocks',
    text: [
      'For every token that a model has read or written, it keeps a key and a value in each layer: the KV cache. A request’s cache grows by one token at a time, and nobody knows beforehand how long it will get. Whoever sets aside room for the longest answer leaves most of that room empty.',
      'So memory is cut into blocks. Here there are ten, each with room for four tokens. A request takes a block when it needs one, and any block will do: they need not lie side by side. All ten stand in one queue of free blocks, 0 at its head.',
    ],
    rule: 'Paging: memory is given out a block at a time, when it is needed. At most the last block of a request is partly empty.',
  },
  {
    step: 0,
    title: 'A block table',
    text: [
      'Request A arrives with a prompt of 16 tokens and takes four blocks from the head of the queue: 0, 1, 2 and 3. The list 0 → 1 → 2 → 3 is its block table. Its tenth token (number 9, counted from 0) is in the third entry, at the second place: block 2, slot 1.',
      'All four blocks are full, so each gets a name made of its own text and of everything before it. Whoever has a prompt with the same beginning can find them by these names: texts 0, 1, 2 and 3.',
    ],
    rule: 'The block table turns a position in the text into a place in memory. Only full blocks get a name.',
  },
  {
    step: 1,
    title: 'The end of a request, and the order of the queue',
    text: [
      'A writes a second token. The first one, the 17th of its text, had no room left in four blocks, so block 4 was taken for it; three of its four slots stay empty. That was all that A was asked for, and it ends.',
      'Its blocks go to the end of the queue, the last one first: 4, 3, 2, 1, 0. What they hold is not wiped. Blocks 0 to 3 can still be found by their names; block 4 was never full and has none.',
    ],
    rule: 'A block is free when nobody refers to it, and yet it may still be found. Blocks are given back in reverse, because the beginning of a text is what others share.',
  },
  {
    step: 2,
    title: 'A prefix hit',
    text: [
      'Request B has 21 tokens, and its first 12 are those of A. Blocks 0, 1 and 2 are found by name and leave the middle of the queue. Only nine tokens are computed, in three blocks from the head: 5, 6 and 7.',
      'Block 3 is not touched: from token 13 on, the texts differ.',
    ],
    rule: 'A hit saves the computing and the memory of what is already there. It reaches as far as the texts agree, in whole blocks.',
  },
  {
    step: 3,
    title: 'A step in which nothing moves',
    text: [
      'B writes a token. There is room for it in block 7, so no block changes hands. Most steps of a long answer are like this one: with blocks of 16 tokens, 15 of 16.',
    ],
    rule: 'A request asks for a block once every block size of tokens.',
  },
  {
    step: 4,
    title: 'Two requests, one copy',
    text: [
      'Request C begins with the same 12 tokens while B is still running. Blocks 0, 1 and 2 now have two references each. C needs one block of its own, 8, for its last four prompt tokens.',
      'Without sharing, B and C would hold ten blocks between them, the whole pool. They hold seven.',
    ],
    rule: 'A reference count says how many requests use a block. A block is free only when the last of them has given it back.',
  },
  {
    step: 5,
    title: 'The last empty block',
    text: [
      'C writes its second token, and its fifth block is 9. Two blocks are left, 4 and 3. Block 4 is empty; block 3 still holds the end of A’s prompt, in case somebody asks for it.',
    ],
    rule: 'Cached contents cost nothing as long as nobody needs the room.',
  },
  {
    step: 6,
    title: 'An eviction',
    text: [
      'B is full again and takes the head of the queue, block 4: nothing is lost. Then D arrives, finds the common 12 tokens too, so that blocks 0, 1 and 2 have three references, and needs one block more.',
      'The queue has only block 3. Its text 3 is evicted, because D needs room. It was first in line: of all blocks that nobody referred to, it had been free for longest. Now the pool is full.',
    ],
    rule: 'The block at the head of the queue goes first. In this order, least recently used blocks are evicted, and the tail of a text before its head.',
  },
  {
    step: 7,
    title: 'A preemption',
    text: [
      'D has its prompt computed and wants to write on, but there is no room for its 17th token and nothing to evict: every block is in use. The request that entered last gives way, and that is D itself. It gives up its four blocks and waits again.',
      'In the same step B and C write their last tokens and end. D’s block 3 was full, so its text 9 can still be found.',
    ],
    rule: 'When decoding requests outgrow the pool, the newest loses its blocks and is computed again later: preemption by recomputing.',
  },
  {
    step: 8,
    title: 'Back again',
    text: [
      'D returns with 17 tokens: its prompt and the one token it had written. Sixteen of them are found, in blocks 0, 1, 2 and in its own old block 3. One token is computed, in block 4.',
      'Had other requests used the blocks in between, all 17 would have been computed again.',
    ],
    rule: 'The prefix cache softens a preemption. The last token is always computed: a model needs it to say what comes next.',
  },
  {
    step: 9,
    title: 'What is left',
    text: [
      'D has its three tokens and ends. The queue is 7, 6, 5, 9, 8, 4, 3, 2, 1, 0: the beginning that all four requests had in common stands at its very end and will be evicted last.',
      'Eight blocks still hold something. The next request with the same beginning starts where these ended.',
    ],
    rule: 'What was used by many, and last, stays longest.',
  },
];
