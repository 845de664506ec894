const SPACE = /[\t\n\r ]*/y;
const TOKEN =
  /"(?:[ !#-[\]-\uffff]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null|[{}[\],:]/y;

/** What may come next; `key` and `value` also stand for the closing bracket where a container has just opened. */
type Expected = 'value' | 'firstValue' | 'key' | 'firstKey' | 'colon' | 'separator' | 'end';

/**
 * Offset of the first character that cannot be JSON (RFC 8259), for text that `JSON.parse` refused: its own messages
 * carry a position only sometimes, and differ from one Node to the next.
 */
export function jsonErrorOffset(text: string): number {
  const open: ('{' | '[')[] = [];
  let expected: Expected = 'value';
  let offset = 0;
  for (;;) {
    SPACE.lastIndex = offset;
    offset += SPACE.exec(text)![0].length;
    TOKEN.lastIndex = offset;
    const token = TOKEN.exec(text)?.[0];
    if (token === undefined) return offset;
    const next = advance(token, expected, open);
    if (next === undefined) return offset;
    expected = next;
    offset += token.length;
  }
}

/** The state after a token, or `undefined` where it must not stand here. */
function advance(token: string, expected: Expected, open: ('{' | '[')[]): Expected | undefined {
  const inside = open.at(-1);
  if (expected === 'colon') return token === ':' ? 'value' : undefined;
  if (token === '}' || token === ']') {
    const empty = token === '}' ? 'firstKey' : 'firstValue';
    const matches = inside === (token === '}' ? '{' : '[');
    if (!matches || (expected !== 'separator' && expected !== empty)) return undefined;
    open.pop();
    return open.length === 0 ? 'end' : 'separator';
  }
  if (expected === 'separator') {
    if (token !== ',') return undefined;
    return inside === '{' ? 'key' : 'value';
  }
  if (expected === 'key' || expected === 'firstKey') {
    return token.startsWith('"') ? 'colon' : undefined;
  }
  if (expected === 'end' || token === ',' || token === ':') return undefined;
  if (token === '{' || token === '[') {
    open.push(token);
    return token === '{' ? 'firstKey' : 'firstValue';
  }
  return open.length === 0 ? 'end' : 'separator';
}
