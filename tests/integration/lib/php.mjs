// php: JavaScript values as PHP's serialize() writes them.

/** Serialised text that stands for itself among the values. */
export const php = (text) => ({ php: text });

const bytes = (text) => Buffer.byteLength(text);
/* PHP makes an integer of a key that looks like one. */
const key = (name) => (/^(0|-?[1-9]\d{0,17})$/.test(name) ? `i:${name};` : `s:${bytes(name)}:"${name}";`);

export function serialize(value) {
  if (value === null) return 'N;';
  switch (typeof value) {
    case 'boolean': return `b:${value ? 1 : 0};`;
    case 'number': return Number.isInteger(value) ? `i:${value};` : `d:${value};`;
    case 'string': return `s:${bytes(value)}:"${value}";`;
    default: break;
  }
  if (typeof value.php === 'string') return value.php;
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return `a:${members.length}:{${members.map(([name, member]) => key(name) + serialize(member)).join('')}}`;
}
