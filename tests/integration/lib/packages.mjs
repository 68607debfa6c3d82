// packages: the official clients of the Pusher protocol and others, which tests/package.json names.
//
// They are not in the source tree: ./dev test installs them into .run/npm. WA_NPM names another folder.

import { createRequire } from 'node:module';
import { join, dirname } from 'node:path';
import { pathToFileURL } from 'node:url';
import { source } from './stack.mjs';

const folder = process.env.WA_NPM || `${source}/.run/npm`;
const from = createRequire(`${folder}/`);

/**
 * What the package of this name exports, its standard export if it has one:
 *
 *   const Pusher = await packageOf('pusher');
 */
export async function packageOf(name) {
  let file;
  try {
    file = from.resolve(name);
  } catch {
    throw new Error(`the npm package ${name} is not in ${folder}; run ./dev test once: it installs the packages`);
  }
  /* What laravel-echo has for require() is empty: it calls itself an ES module, and is none. */
  if (name === 'laravel-echo') file = join(dirname(file), 'echo.js');
  const module = await import(pathToFileURL(file));
  return module.default ?? module;
}
