// fcgi-client: one FastCGI request, without nginx between.
//
// For what nginx would never send, and for the order of checks: nginx refuses
// some requests before the pool sees them.

import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { signedHeaders } from './sign.mjs';

const BEGIN = 1, ABORT = 2, END = 3, PARAMS = 4, STDIN = 5, STDOUT = 6, STDERR = 7;
const RESPONDER = 1;
export const types = { BEGIN, ABORT, END, PARAMS, STDIN, STDOUT, STDERR };

/** One record; `content` of at most 65 535 bytes. */
export function record(type, content = Buffer.alloc(0), id = 1) {
  const bytes = Buffer.from(content);
  const head = Buffer.from([1, type, id >> 8, id & 255, bytes.length >> 8, bytes.length & 255, 0, 0]);
  return Buffer.concat([head, bytes]);
}

/** Content of any length as records of one stream, without the empty one that ends it. */
export function stream(type, content, id = 1) {
  const records = [];
  for (let at = 0; at < content.length; at += 65535) records.push(record(type, content.subarray(at, at + 65535), id));
  return Buffer.concat(records);
}

export const begin = (id = 1, { keep = false, role = RESPONDER } = {}) =>
  record(BEGIN, Buffer.from([role >> 8, role & 255, keep ? 1 : 0, 0, 0, 0, 0, 0]), id);

const length = (n) => (n < 128 ? Buffer.from([n]) : Buffer.from([(n >>> 24) | 128, n >>> 16, n >>> 8, n]));

/** Name-value pairs as a PARAMS stream's content; a value that is no text is a Buffer. */
export function pairs(params) {
  return Buffer.concat(Object.entries(params).flatMap(([name, value]) => {
    const [n, v] = [Buffer.from(name), Buffer.isBuffer(value) ? value : Buffer.from(String(value))];
    return [length(n.length), length(v.length), n, v];
  }));
}

/** A whole request as bytes. */
export function encode(params, stdin = '', options) {
  return Buffer.concat([begin(1, options), stream(PARAMS, pairs(params)), record(PARAMS),
    stream(STDIN, Buffer.from(stdin)), record(STDIN)]);
}

/** The parameters that nginx/wa-accounts.params sends for a request; those that are empty it leaves out. */
export function parameters(method, url, { headers = {}, body = '' } = {}) {
  const [path, query = ''] = url.split('?');
  const params = {
    REQUEST_METHOD: method, DOCUMENT_URI: decodeURIComponent(path), QUERY_STRING: query,
    CONTENT_LENGTH: body === '' ? '' : Buffer.byteLength(body),
    REMOTE_ADDR: '127.0.0.1', REQUEST_ID: randomBytes(16).toString('hex'),
  };
  for (const [name, value] of Object.entries(headers)) {
    const upper = name.toUpperCase().replaceAll('-', '_');
    params[upper === 'CONTENT_TYPE' ? upper : `HTTP_${upper}`] = value;
  }
  return Object.fromEntries(Object.entries(params).filter(([, value]) => value !== ''));
}

/** The same, signed with this stack's secret. */
export function signedParameters(stack, method, url, body = '') {
  return parameters(method, url, { body,
    headers: { 'Content-Type': 'application/json', ...signedHeaders(stack.secret, body) } });
}

/** Take an answer's records apart: {records, stdout, stderr, ended}. */
export function decode(bytes) {
  const result = { records: [], stdout: Buffer.alloc(0), stderr: Buffer.alloc(0), ended: false };
  let at = 0;
  while (at + 8 <= bytes.length) {
    const type = bytes[at + 1];
    const size = bytes.readUInt16BE(at + 4);
    const content = bytes.subarray(at + 8, at + 8 + size);
    if (content.length < size) break;
    result.records.push({ type, content });
    if (type === STDOUT) result.stdout = Buffer.concat([result.stdout, content]);
    if (type === STDERR) result.stderr = Buffer.concat([result.stderr, content]);
    if (type === END) result.ended = true;
    at += 8 + size + bytes[at + 6];
  }
  return result;
}

/**
 * Send bytes on a new connection (`where`: {path} or {host, port}) and return
 * all bytes that come back until the peer closes.
 */
export function exchange(where, bytes) {
  return new Promise((resolve, reject) => {
    const chunks = [];
    const socket = connect(where, () => socket.write(bytes));
    socket.setTimeout(60_000, () => socket.destroy(new Error('no answer over FastCGI')));
    socket.on('data', (chunk) => chunks.push(chunk)).on('error', reject);
    socket.on('close', () => resolve(Buffer.concat(chunks)));
  });
}

/**
 * A connection on which bytes go out bit by bit: {socket, send, end, drop, came, closed}.
 * `closed` resolves when it is over, however it ended, with all bytes that came back.
 */
export function dial(where) {
  const chunks = [];
  const socket = connect({ ...where, allowHalfOpen: true });
  const line = {
    socket,
    open: new Promise((resolve) => socket.once('connect', resolve).once('close', resolve)),
    isOver: false,
    send: (bytes) => new Promise((resolve) => socket.write(bytes, resolve)),
    /** No more bytes will be sent. */
    end: () => socket.end(),
    drop: () => socket.destroy(),
    came: () => Buffer.concat(chunks),
  };
  line.closed = new Promise((resolve) => {
    socket.setTimeout(60_000, () => socket.destroy());
    socket.on('data', (chunk) => chunks.push(chunk)).on('end', () => socket.end()).on('error', () => {});
    socket.on('close', () => {
      line.isOver = true;
      resolve(line.came());
    });
  });
  return line;
}

/** One request, answered: {status, headers, text, json}. */
export async function fcgi(where, params, stdin = '') {
  return parse(await exchange(where, encode(params, stdin)), `${params.REQUEST_METHOD} ${params.DOCUMENT_URI}`);
}

/** The bytes of a FastCGI connection as the answer to `what`: {status, headers, text, json}. */
export function parse(bytes, what = 'a request') {
  const { stdout, ended } = decode(bytes);
  if (!ended) throw new Error(`no complete FastCGI answer to ${what}`);
  const split = stdout.indexOf('\r\n\r\n');
  if (split < 0) throw new Error(`an empty FastCGI answer to ${what}`);
  const lines = stdout.subarray(0, split).toString().split('\r\n')
    .map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]);
  const headers = Object.fromEntries(lines);
  /* As node:http has it: the one header of which each line counts. */
  const cookies = lines.filter(([name]) => name === 'set-cookie').map(([, value]) => value);
  if (cookies.length > 0) headers['set-cookie'] = cookies;
  const text = stdout.subarray(split + 4).toString();
  return {
    status: Number.parseInt(headers.status ?? '200', 10),
    headers,
    text,
    get json() {
      return JSON.parse(text);
    },
  };
}
