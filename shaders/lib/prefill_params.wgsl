// What every prefill kernel receives, and which rows and keys a tile touches.
// Positions are token indices of the whole sequence; packed row r of a sequence is token r / G of its queries.

struct Params {
  tableStride: u32,
  tableHeads: u32,
  // This dispatch: tokens [firstToken, firstToken + tokens) of each sequence's queries, kv heads from firstHead on.
  firstToken: u32,
  tokens: u32,
  firstHead: u32,
  // Token t is visible to the query at position p when t <= p and (t < sinkTokens or t > p - windowTokens).
  windowTokens: i32,
  sinkTokens: i32,
  scale: f32,
};

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> query: array<f32>;
@group(0) @binding(2) var<storage, read> pool: array<u32>;
@group(0) @binding(3) var<storage, read> blockTable: array<u32>;
@group(0) @binding(4) var<storage, read> queryStarts: array<u32>;
@group(0) @binding(5) var<storage, read> contextLengths: array<u32>;
@group(0) @binding(6) var<storage, read_write> output: array<f32>;
//!if FORMAT == int2
@group(0) @binding(7) var<storage, read> residual: array<u32>;
@group(0) @binding(8) var<storage, read> residualSlots: array<u32>;
//!end

struct TileRange {
  // First query token of the sequence in the flat batch, and how many it has.
  queryStart: u32,
  queryTokens: u32,
  // Packed rows [firstRow, endRow) of the sequence; `rows` is 0 for a tile beyond the end.
  firstRow: u32,
  endRow: u32,
  rows: u32,
  contextLength: u32,
  // Position of query token 0 of the sequence (negative when the sequence is inactive).
  firstPosition: i32,
  // Keys [0, sinkTokens) and [windowStart, lastPosition] are visible to some row of the tile.
  windowStart: i32,
  lastPosition: i32,
};

fn tableIndex(sequence: u32, kvHead: u32) -> u32 {
  return sequence * params.tableHeads + select(0u, kvHead, params.tableHeads > 1u);
}

fn tableStart(sequence: u32, kvHead: u32) -> u32 {
  return tableIndex(sequence, kvHead) * params.tableStride;
}

fn tileRange(sequence: u32, kvHead: u32, rowOffset: u32, tileRows: u32, group: u32) -> TileRange {
  var tile: TileRange;
  tile.queryStart = queryStarts[sequence];
  tile.queryTokens = queryStarts[sequence + 1u] - tile.queryStart;
  tile.firstRow = params.firstToken * group + rowOffset;
  let dispatched = min(params.firstToken + params.tokens, tile.queryTokens) * group;
  tile.endRow = min(tile.firstRow + tileRows, dispatched);
  tile.rows = select(0u, tile.endRow - tile.firstRow, tile.endRow > tile.firstRow);
  tile.contextLength = contextLengths[tableIndex(sequence, kvHead)];
  tile.firstPosition = select(-0x40000000, i32(tile.contextLength) - i32(tile.queryTokens), tile.contextLength > 0u);
  tile.lastPosition = tile.firstPosition + (i32(tile.endRow) - 1) / i32(group);
  tile.windowStart = tile.firstPosition + i32(tile.firstRow / group) - params.windowTokens + 1;
  return tile;
}
