/**
 * A report as parts, written as Markdown beside its figures or as one HTML file with them inside. What comes from outside is
 * text in either and never markup; the HTML fetches nothing and runs nothing.
 */
import type { FigureSpec } from '../../charts/figure.ts';
import { renderSvg } from '../../charts/svg.ts';

export type ReportPart =
  | { readonly kind: 'heading'; readonly text: string; readonly level: 1 | 2 }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'list'; readonly items: readonly string[] }
  | {
      readonly kind: 'table';
      readonly head: readonly string[];
      readonly rows: readonly (readonly string[])[];
    }
  | { readonly kind: 'code'; readonly text: string; readonly language: string }
  | { readonly kind: 'figures'; readonly figures: readonly FigureSpec[] };

/** A heading and what stands under it; nothing where that is nothing. */
export function section(text: string, parts: readonly ReportPart[]): ReportPart[] {
  return parts.length === 0 ? [] : [{ kind: 'heading', text, level: 2 }, ...parts];
}

/** Text that Markdown shows as it is: no tags, no line that begins something. */
function plain(text: string): string {
  return text
    .replace(/\s*\n\s*/g, ' ')
    .replaceAll('<', '&lt;')
    .replace(/^([#>+\-*=]|\d+[.)])/, '\\$1');
}

function markdownCell(text: string): string {
  return text
    .replace(/\s*\n\s*/g, ' ')
    .replaceAll('<', '&lt;')
    .replaceAll('|', '\\|');
}

/** A fence that is longer than any within. */
function fenced(text: string, language: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([ticks]) => ticks.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}${language}\n${text.trimEnd()}\n${fence}\n`;
}

function markdownPart(part: ReportPart): string {
  switch (part.kind) {
    case 'heading':
      return `${'#'.repeat(part.level)} ${plain(part.text)}\n`;
    case 'text':
      return `${plain(part.text)}\n`;
    case 'list':
      return part.items.map((item) => `- ${plain(item)}\n`).join('');
    case 'table':
      return [part.head, part.head.map(() => '---'), ...part.rows]
        .map((row) => `| ${row.map(markdownCell).join(' | ')} |\n`)
        .join('');
    case 'code':
      return fenced(part.text, part.language);
    case 'figures':
      return part.figures
        .map(
          ({ id, title, finding }) =>
            `![${plain(title).replace(/[[\]]/g, '')}](${id}.svg)\n\n${plain(finding)}\n`,
        )
        .join('\n');
    default:
      return part satisfies never;
  }
}

/** The figures are files beside it, by their names. */
export function reportMarkdown(parts: readonly ReportPart[]): string {
  return parts.map(markdownPart).join('\n');
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (character) => ENTITIES[character] ?? '');
}

function htmlPart(part: ReportPart): string {
  switch (part.kind) {
    case 'heading':
      return `<h${part.level}>${escaped(part.text)}</h${part.level}>`;
    case 'text':
      return `<p>${escaped(part.text)}</p>`;
    case 'list':
      return `<ul>${part.items.map((item) => `<li>${escaped(item)}</li>`).join('')}</ul>`;
    case 'table': {
      const row = (cells: readonly string[], tag: 'th' | 'td'): string =>
        `<tr>${cells.map((cell) => `<${tag}>${escaped(cell)}</${tag}>`).join('')}</tr>`;
      return `<div class="scroll"><table><thead>${row(part.head, 'th')}</thead><tbody>${part.rows.map((cells) => row(cells, 'td')).join('')}</tbody></table></div>`;
    }
    case 'code':
      return `<pre><code>${escaped(part.text)}</code></pre>`;
    // The picture carries its own title, finding and origin.
    case 'figures':
      return part.figures.map((figure) => `<figure>${renderSvg(figure)}</figure>`).join('');
    default:
      return part satisfies never;
  }
}

const STYLE =
  'body{font:16px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a;background:#fff}' +
  'table{border-collapse:collapse;font-size:.875rem}th,td{border:1px solid #ccc;padding:.25rem .5rem;text-align:left;vertical-align:top}' +
  '.scroll{overflow-x:auto}figure{margin:1.5rem 0}svg{max-width:100%;height:auto}pre{background:#f4f4f4;padding:1rem;overflow-x:auto}';

/** One file with everything inside. */
export function reportHtml(title: string, parts: readonly ReportPart[]): string {
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escaped(title)}</title><style>${STYLE}</style></head>
<body>
${parts.map(htmlPart).join('\n')}
</body>
</html>
`;
}
