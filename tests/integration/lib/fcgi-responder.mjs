// A FastCGI responder in place of the pool (or of php-fpm): it tells what reached it.
//
// By default it answers 200 with {"params":{...},"body":"..."} and, as the pool does, with
// X-Request-Id.  `answer(request)` may return something else:
//   { status, headers, body }   another answer
//   'drop'                      close the connection without one, after the whole request was read
//   'hang'                      never answer
//
// One request for each connection, as nginx does without fastcgi_keep_conn.

import net from 'node:net';

const BEGIN_REQUEST = 1, END_REQUEST = 3, PARAMS = 4, STDIN = 5, STDOUT = 6;
const RECORD_MAX = 65535;

function* pairs(block) {
  let at = 0;
  const length = () => {
    const short = block[at];
    if (short < 0x80) {
      at += 1;
      return short;
    }
    const long = block.readUInt32BE(at) & 0x7fffffff;
    at += 4;
    return long;
  };
  while (at < block.length) {
    const name_length = length();
    const value_length = length();
    const name = block.toString('utf8', at, at + name_length);
    at += name_length;
    yield [name, block.toString('utf8', at, at + value_length)];
    at += value_length;
  }
}

function record(type, id, content) {
  const header = Buffer.alloc(8);
  header[0] = 1;
  header[1] = type;
  header.writeUInt16BE(id, 2);
  header.writeUInt16BE(content.length, 4);
  return Buffer.concat([header, content]);
}

function answer_records(id, { status = 200, headers = {}, body = '' }) {
  const lines = [`Status: ${status}`];
  for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${value}`);
  const whole = Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body}`);
  const out = [];
  for (let at = 0; at < whole.length; at += RECORD_MAX) {
    out.push(record(STDOUT, id, whole.subarray(at, at + RECORD_MAX)));
  }
  out.push(record(STDOUT, id, Buffer.alloc(0)), record(END_REQUEST, id, Buffer.alloc(8)));
  return Buffer.concat(out);
}

export function echo(request) {
  return {
    headers: {
      'Content-Type': 'application/json',
      'X-Request-Id': request.params.REQUEST_ID ?? '',
      'X-Handled-By': 'pool',
    },
    body: JSON.stringify({ params: request.params, body: request.body.toString() }),
  };
}

// `requests` are those that came in whole, in order.
export async function start_responder(path, { answer = echo } = {}) {
  const requests = [];
  const sockets = new Set();

  const server = net.createServer((socket) => {
    let pending = Buffer.alloc(0);
    let id = 0;
    const params = [];
    const stdin = [];

    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());   // nginx gave up: its business

    const finish = async () => {
      const list = [...pairs(Buffer.concat(params))];
      const request = { names: list.map(([name]) => name), params: Object.fromEntries(list), body: Buffer.concat(stdin) };
      requests.push(request);
      const said = await answer(request);
      if (said === 'hang') return;
      if (said === 'drop') socket.destroy();
      else socket.end(answer_records(id, said));
    };

    socket.on('data', (chunk) => {
      pending = Buffer.concat([pending, chunk]);
      while (pending.length >= 8) {
        const length = pending.readUInt16BE(4);
        const total = 8 + length + pending[6];
        if (pending.length < total) return;
        const type = pending[1];
        const request_id = pending.readUInt16BE(2);
        const content = pending.subarray(8, 8 + length);
        pending = pending.subarray(total);
        if (type === BEGIN_REQUEST) {
          id = request_id;
        } else if (type === PARAMS) {
          params.push(content);
        } else if (type === STDIN && length > 0) {
          stdin.push(content);
        } else if (type === STDIN) {
          finish();
        } else {
          socket.destroy(new Error(`record of type ${type}`));
        }
      }
    });
  });

  await new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });

  return {
    requests,
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
