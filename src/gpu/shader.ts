/**
 * Expands the kernels' WGSL templates. Four directives, each on a line of its own:
 *
 *   //!requires NAME            the text of shaders/lib/NAME.wgsl, once a shader
 *   //!if COND … //!else … //!end      COND: NAME, !NAME, NAME == VALUE or NAME != VALUE
 *   //!repeat VAR COUNT … //!end       the lines COUNT times, VAR = 0, 1, …; unrolled registers need names, not indices
 *   ${expr}                     integer arithmetic (+ - * / %, parentheses) over constants, or a constant's text
 *
 * Everything else is plain WGSL. Values that change per dispatch are uniforms; values fixed with the pipeline that need
 * no text are `override` constants; the template is for unrolling, element types, `enable` lines and subgroup use.
 */

export type ShaderConstants = Readonly<Record<string, number | string | boolean>>;
export type ShaderLibrary = Readonly<Record<string, string>>;

interface Scope {
  readonly constants: Record<string, number | string | boolean>;
  readonly library: ShaderLibrary;
  readonly included: Set<string>;
}

/** @throws Error with the directive's text where a name is unknown or a block is not closed. */
export function expandShader(
  source: string,
  constants: ShaderConstants,
  library: ShaderLibrary = {},
): string {
  const scope: Scope = { constants: { ...constants }, library, included: new Set() };
  const out: string[] = [];
  expandLines(source.split('\n'), scope, out);
  return out.join('\n');
}

function expandLines(lines: readonly string[], scope: Scope, out: string[]): void {
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? '';
    const directive = /^\s*\/\/!(\w+)\s*(.*?)\s*$/.exec(line);
    if (!directive) {
      out.push(substitute(line, scope.constants));
      continue;
    }
    const [, word = '', rest = ''] = directive;
    if (word === 'requires') include(rest, scope, out);
    else if (word === 'if' || word === 'repeat') {
      const block = readBlock(lines, at);
      if (word === 'if') expandLines(holds(rest, scope.constants) ? block.body : block.otherwise, scope, out);
      else repeat(rest, block.body, scope, out);
      at = block.end;
    } else throw new Error(`Unknown shader directive: ${line.trim()}`);
  }
}

function include(name: string, scope: Scope, out: string[]): void {
  if (scope.included.has(name)) return;
  const text = scope.library[name];
  if (text === undefined) throw new Error(`The shader requires ${name}, which is not in shaders/lib.`);
  scope.included.add(name);
  expandLines(text.split('\n'), scope, out);
}

function repeat(rest: string, body: readonly string[], scope: Scope, out: string[]): void {
  const match = /^(\w+)\s+(.+)$/.exec(rest);
  if (!match) throw new Error(`A repeat needs a name and a count: //!repeat ${rest}`);
  const [, name = '', countText = ''] = match;
  const count = evaluate(countText, scope.constants);
  for (let i = 0; i < count; i++) {
    expandLines(body, { ...scope, constants: { ...scope.constants, [name]: i } }, out);
  }
}

function readBlock(
  lines: readonly string[],
  start: number,
): { body: string[]; otherwise: string[]; end: number } {
  const body: string[] = [];
  const otherwise: string[] = [];
  let into = body;
  let depth = 0;
  for (let at = start + 1; at < lines.length; at++) {
    const line = lines[at] ?? '';
    const word = /^\s*\/\/!(\w+)/.exec(line)?.[1];
    if (word === 'if' || word === 'repeat') depth++;
    if (word === 'end' && depth-- === 0) return { body, otherwise, end: at };
    if (word === 'else' && depth === 0) into = otherwise;
    else into.push(line);
  }
  throw new Error(`No //!end closes: ${(lines[start] ?? '').trim()}`);
}

function holds(condition: string, constants: ShaderConstants): boolean {
  const compare = /^(\w+)\s*(==|!=|>=|<=|>|<)\s*([\w-]+)$/.exec(condition);
  if (compare) {
    const [, name = '', operator = '', right = ''] = compare;
    const left = lookup(name, constants);
    if (operator === '==') return String(left) === right;
    if (operator === '!=') return String(left) !== right;
    const [a, b] = [Number(left), right in constants ? Number(lookup(right, constants)) : Number(right)];
    return operator === '>' ? a > b : operator === '<' ? a < b : operator === '>=' ? a >= b : a <= b;
  }
  const negated = condition.startsWith('!');
  return Boolean(lookup(negated ? condition.slice(1) : condition, constants)) !== negated;
}

function lookup(name: string, constants: ShaderConstants): number | string | boolean {
  const value = constants[name];
  if (value === undefined) throw new Error(`The shader names ${name}, which has no value.`);
  return value;
}

function substitute(line: string, constants: ShaderConstants): string {
  return line.replace(/\$\{([^}]*)\}/g, (_, expression: string) => {
    const name = expression.trim();
    const value = constants[name];
    return typeof value === 'string' ? value : String(evaluate(name, constants));
  });
}

/** Integer arithmetic with the usual precedence; division truncates. */
function evaluate(expression: string, constants: ShaderConstants): number {
  const tokens = expression.match(/\d+|\w+|[-+*/%()]/g) ?? [];
  let at = 0;
  const fail = (): never => {
    throw new Error(`Not an integer expression: ${expression}`);
  };
  const atom = (): number => {
    const token = tokens[at++] ?? fail();
    if (token === '(') {
      const value = sum();
      if (tokens[at++] !== ')') fail();
      return value;
    }
    if (token === '-') return -atom();
    return /^\d/.test(token) ? Number(token) : Number(lookup(token, constants));
  };
  const product = (): number => {
    let value = atom();
    for (let op = tokens[at]; op === '*' || op === '/' || op === '%'; op = tokens[at]) {
      at++;
      const right = atom();
      value = op === '*' ? value * right : op === '/' ? Math.trunc(value / right) : value % right;
    }
    return value;
  };
  const sum = (): number => {
    let value = product();
    for (let op = tokens[at]; op === '+' || op === '-'; op = tokens[at]) {
      at++;
      value = op === '+' ? value + product() : value - product();
    }
    return value;
  };
  const value = sum();
  if (at !== tokens.length || !Number.isFinite(value)) fail();
  return value;
}
