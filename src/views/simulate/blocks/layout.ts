/** Where each block of a pool stands on the canvas: rows of equal squares, the largest that fit. Pure. */

export interface GridLayout {
  readonly numBlocks: number;
  readonly columns: number;
  readonly rows: number;
  /** Side of a block's square in CSS px, the gap to its neighbours included. */
  readonly cell: number;
  /** CSS px of the whole grid. */
  readonly width: number;
  readonly height: number;
}

const CELLS = [64, 56, 48, 40, 32, 28, 24, 20, 18, 16, 14, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1.5, 1];

const LARGE_CELL = 40;

/**
 * @param width CSS px that are there
 * @param maxHeight CSS px that the grid may take; the smallest squares are used although they need more
 */
export function gridLayout(numBlocks: number, width: number, maxHeight: number): GridLayout {
  const sizes = CELLS.map((cell) => {
    const columns = Math.max(1, Math.min(numBlocks, Math.floor(width / cell)));
    return { cell, columns, rows: Math.ceil(numBlocks / columns) };
  });
  const fits = sizes.filter(({ cell, rows, columns }) => rows * cell <= maxHeight && columns * cell <= width);
  // A few large squares look best in full rows: ten in one, or in two of five.
  const whole = fits.find(({ cell, rows, columns }) => cell >= LARGE_CELL && rows * columns === numBlocks);
  const fitting = whole ?? fits[0];
  const { cell, columns, rows } = fitting ?? sizes.at(-1) ?? { cell: 1, columns: 1, rows: numBlocks };
  return { numBlocks, columns, rows, cell, width: columns * cell, height: rows * cell };
}

/** The block under a point of the grid in CSS px, or null. */
export function blockAt({ columns, cell, numBlocks }: GridLayout, x: number, y: number): number | null {
  const [column, row] = [Math.floor(x / cell), Math.floor(y / cell)];
  if (column < 0 || row < 0 || column >= columns) return null;
  const block = row * columns + column;
  return block < numBlocks ? block : null;
}

/** Upper left corner of a block's square. */
export function placeOf({ columns, cell }: GridLayout, block: number): { x: number; y: number } {
  return { x: (block % columns) * cell, y: Math.floor(block / columns) * cell };
}

/** The block that a key leads to, or null for a key that means nothing here. */
export function blockForKey(
  { columns, rows, numBlocks }: GridLayout,
  block: number,
  key: string,
): number | null {
  const page = Math.max(1, Math.floor(rows / 4)) * columns;
  const steps: Readonly<Record<string, number>> = {
    ArrowLeft: -1,
    ArrowRight: 1,
    ArrowUp: -columns,
    ArrowDown: columns,
    PageUp: -page,
    PageDown: page,
    Home: -numBlocks,
    End: numBlocks,
  };
  const step = steps[key];
  if (step === undefined) return null;
  const next = block + step;
  // Up and down stay in their column rather than run to the ends.
  if ((key === 'ArrowUp' || key === 'ArrowDown') && (next < 0 || next >= numBlocks)) return block;
  return Math.max(0, Math.min(numBlocks - 1, next));
}
