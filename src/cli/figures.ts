/** Writes every figure of a run as SVG, and as PNG where a browser can draw it. */
import { renderSvg, type FigureSpec } from '../charts/index.ts';
import { CommandError } from './errors.ts';
import type { GpuHost } from './host.ts';
import type { Terminal } from './terminal.ts';

export async function writeFigures(
  figures: readonly FigureSpec[],
  host: Pick<GpuHost, 'png'>,
  write: (name: string, contents: string | Uint8Array) => void,
  terminal: Pick<Terminal, 'say'>,
): Promise<void> {
  let withoutPng = false;
  for (const figure of figures) {
    const svg = renderSvg(figure);
    write(`${figure.id}.svg`, svg);
    const png = await host.png(svg);
    if (png) write(`${figure.id}.png`, png);
    else withoutPng = true;
  }
  if (withoutPng) {
    terminal.say(
      'The figures were written as SVG only: a PNG needs a browser to draw it, and --native uses none.',
    );
  }
}

/** The same for commands that need no browser but for their pictures: where none can be started, there are no PNGs. */
export async function writePictures(
  figures: readonly FigureSpec[],
  openHost: () => Promise<Pick<GpuHost, 'png'>>,
  write: (name: string, contents: string | Uint8Array) => void,
  terminal: Pick<Terminal, 'say'>,
): Promise<void> {
  try {
    await writeFigures(figures, await openHost(), write, terminal);
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    for (const figure of figures) write(`${figure.id}.svg`, renderSvg(figure));
    terminal.say(`The figures were written as SVG only, without a browser to draw PNGs. ${error.message}`);
  }
}
