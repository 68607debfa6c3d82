// settings: a settings file as ./dev writes it, and the arguments of the demo's programs.

import { readFileSync } from 'node:fs';

/** {NAME: value}; of values in single quotes, what is between them. */
export function readSettings(file) {
  const lines = readFileSync(file, 'utf8').split('\n').map((line) => line.match(/^([A-Z0-9_]+)=(?:'(.*)'|(.*))$/));
  return Object.fromEntries(lines.filter(Boolean).map(([, name, quoted, plain]) => [name, quoted ?? plain]));
}

/** `--env FILE WORD…`: {env, words}; anything else ends the program with `usage`. */
export function readArguments([option, env, ...words], usage, known = []) {
  if (option === '--env' && env && words.every((word) => known.includes(word))) return { env, words };
  console.error(`usage: ${usage}`);
  process.exit(64);
}
