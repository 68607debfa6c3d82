// envelope: what Laravel's Encrypter writes, and the cookies that it makes of it.
//
// An envelope is the base64 of {"iv","value","mac","tag"}; a cookie is an envelope around a prefix,
// which belongs to the cookie's name, and the value.

import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto';

const keyOf = (appKey) => Buffer.from(appKey.replace(/^base64:/, ''), 'base64');

/** A key as `php artisan key:generate` makes it. */
export const newKey = () => `base64:${randomBytes(32).toString('base64')}`;

/** The mac of these members (CBC only). */
export const macOf = (appKey, { iv, value }) =>
  createHmac('sha256', keyOf(appKey)).update(iv + value).digest('hex');

/** A text as the four members of an envelope; `cipher` is 'cbc' or 'gcm'. */
export function seal(appKey, text, { cipher = 'cbc', iv = randomBytes(cipher === 'gcm' ? 12 : 16) } = {}) {
  const encryption = createCipheriv(`aes-256-${cipher}`, keyOf(appKey), iv);
  const value = Buffer.concat([encryption.update(text), encryption.final()]).toString('base64');
  const members = { iv: iv.toString('base64'), value, mac: '', tag: '' };
  if (cipher === 'gcm') members.tag = encryption.getAuthTag().toString('base64');
  else members.mac = macOf(appKey, members);
  return members;
}

/** Members, or any text that stands in place of their JSON, as they are kept. */
export const pack = (members) =>
  Buffer.from(typeof members === 'string' ? members : JSON.stringify(members)).toString('base64');

export const encrypt = (appKey, text, options) => pack(seal(appKey, text, options));

/** The text in an envelope; throws if it is not one that this key made. */
export function decrypt(appKey, packed) {
  const { iv, value, mac, tag } = JSON.parse(Buffer.from(packed, 'base64').toString());
  const cipher = tag ? 'gcm' : 'cbc';
  if (cipher === 'cbc' && mac !== macOf(appKey, { iv, value })) throw new Error('the mac is wrong');
  const decryption = createDecipheriv(`aes-256-${cipher}`, keyOf(appKey), Buffer.from(iv, 'base64'));
  if (tag) decryption.setAuthTag(Buffer.from(tag, 'base64'));
  return Buffer.concat([decryption.update(Buffer.from(value, 'base64')), decryption.final()]).toString();
}

/** What stands before the value in the cookie of this name. */
export const prefix = (appKey, name) =>
  `${createHmac('sha1', keyOf(appKey)).update(`${name}v2`).digest('hex')}|`;

/** A cookie's value, as a browser keeps it: URL-encoded. */
export const sealCookie = (name, text, appKey, options) =>
  encodeURIComponent(encrypt(appKey, prefix(appKey, name) + text, options));

/** The text in a cookie's value, or null if it is not a cookie of this name and key. */
export function openCookie(name, value, appKey) {
  try {
    const text = decrypt(appKey, decodeURIComponent(value));
    const before = prefix(appKey, name);
    return text.startsWith(before) ? text.slice(before.length) : null;
  } catch {
    return null;
  }
}
