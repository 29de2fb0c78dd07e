/** The marker of each palette index, which tells series apart without colour. */
import {
  symbolCircle,
  symbolCross,
  symbolDiamond,
  symbolSquare,
  symbolStar,
  symbolTriangle,
  symbolWye,
  type SymbolType,
} from 'd3-shape';

const triangleDown: SymbolType = {
  draw(context, size) {
    const half = Math.sqrt(size / Math.sqrt(3));
    const height = half * Math.sqrt(3);
    context.moveTo(0, (height * 2) / 3);
    context.lineTo(-half, -height / 3);
    context.lineTo(half, -height / 3);
    context.closePath();
  },
};

/** Marker of each palette index. */
export const MARKERS: readonly SymbolType[] = [
  symbolCircle,
  symbolSquare,
  symbolTriangle,
  symbolDiamond,
  symbolCross,
  symbolStar,
  symbolWye,
  triangleDown,
];
