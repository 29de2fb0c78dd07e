/** Numbers in the sentences of a judgement: core knows no charts, so it has three digits of its own. */
import { isShare, quantityUnit, type RuledQuantity } from './quantity.ts';

/** Three digits, whole numbers as they are; a real minus sign. */
function digits(value: number): string {
  const size = Math.abs(value);
  const text = size >= 1000 ? String(Math.round(size)) : String(Number(size.toPrecision(3)));
  return value < 0 && Number(text) !== 0 ? `−${text}` : text;
}

/** 0.05 as `5 %`. */
export function formatPercent(share: number): string {
  return `${digits(100 * share)} %`;
}

export function formatQuantity(quantity: RuledQuantity, value: number): string {
  if (isShare(quantity)) return formatPercent(value);
  const unit = quantityUnit(quantity);
  return unit === '' ? digits(value) : `${digits(value)} ${unit}`;
}
