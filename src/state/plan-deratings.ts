/** Shares of the published rates that laptops keep, as the hardware records name them, with words for a list. */
import { formatNumber } from '../charts/format.ts';
import { DERATING_IDS, DERATINGS, deratedShare } from '../core/hardware/deratings.ts';

export const DERATING_PRESETS = DERATING_IDS.map((name) => {
  const { thermal, power, sustained, name: word, about } = DERATINGS[name];
  const shares = { thermal, power, sustained };
  return { name, about, shares, label: `${word}: ${formatNumber(deratedShare(shares))} of the rates` };
});
