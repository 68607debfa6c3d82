// Input that is signed, and still wrong: a clear 4xx, and nothing stored.

import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { BASE, isError, isInvalid, isNotFound } from './lib/expect.mjs';
import { connected } from './lib/fixtures.mjs';
import { startStack } from './lib/stack.mjs';

let stack, account, other, earlier;
before(async () => {
  stack = await startStack();
  account = await stack.account(connected({ workspace_id: await stack.workspace() }));
  other = await stack.workspace();
});
after(() => stack?.stop());
beforeEach(async () => (earlier = await stack.checksum()));
afterEach(async () => {
  assert.equal(await stack.checksum(), earlier, 'nothing is stored');
  assert.equal((await stack.signed('GET', `${BASE}/${account.uuid}/status`)).status, 200,
    'the next request is answered');
});

const send = (body) => stack.signed('POST', `${BASE}/broadcast`, body);
const good = (changes = {}) => ({ event: 'account-status-changed',
  data: { account_id: account.uuid, workspace_id: account.workspace_id, status: 'disconnected', ...changes } });
/** The good body as text, with `{…}` of metadata replaced by raw text. */
const withMetadata = (text) => JSON.stringify(good({ metadata: 'HERE' })).replace('"HERE"', text);
/** The good body with these bytes in a string. */
const withBytes = (bytes) => {
  const [head, tail] = JSON.stringify(good({ metadata: { a: 'HERE' } })).split('HERE');
  return Buffer.concat([Buffer.from(head), Buffer.from(bytes), Buffer.from(tail)]);
};
/** 400 because of the JSON, and not because of what it says. */
function isMalformed(answer) {
  assert.notEqual(isError(answer, 400).error, 'Unknown event');
}

describe('what is no JSON is a 400', () => {
  const texts = {
    'a word': 'hello', 'a form': 'event=x&data=y',
    'an open object': '{"event":"x"', 'an open string': '{"event":"x',
    'a comma too many': '{"event":"x",}', 'single quotes': "{'event':'x'}", 'a bare name': '{event:"x"}',
    'something behind it': '{"event":"x"} x',
    'two values': '{}{}', 'a comment': '{"event":"x"} // y', 'NaN': '{"event":NaN}',
    'a leading zero': '{"event":01}', 'a byte order mark': '\ufeff{"event":"x"}',
    'a raw newline in a string': '{"event":"a\nb"}', 'a broken escape': '{"event":"\\x41"}',
    'a short escape': '{"event":"\\u00"}',
    'half a surrogate pair': '{"event":"\\ud800"}', 'the other half': '{"event":"\\udc00x"}',
  };
  for (const [name, text] of Object.entries(texts)) test(name, async () => isMalformed(await send(text)));
});

describe('JSON that means two things, or none, is a 400', () => {
  test('a name twice', async () => {
    isMalformed(await send(JSON.stringify(good()).replace('{"event"', '{"event":"x","event"')));
    isMalformed(await send(JSON.stringify(good()).replace('"status"', '"status":"connected","status"')));
    isMalformed(await send(JSON.stringify(good()).replace('"status"', '"\\u0073tatus":"connected","status"')));
  });
  test('a NUL character, raw or escaped, in a value or a name', async () => {
    isMalformed(await send(withBytes([0])));
    isMalformed(await send(withMetadata('{"a":"x\\u0000y"}')));
    isMalformed(await send(withMetadata('{"x\\u0000y":1}')));
    isMalformed(await send(JSON.stringify(good({ status: 'connected\u0000' }))));
    isMalformed(await send(JSON.stringify(good({ account_id: `${account.uuid}\u0000` }))));
    isMalformed(await send(`${JSON.stringify(good())}\u0000`));
  });
  test('bytes that are no UTF-8', async () => {
    for (const bytes of [[0xff], [0xc3], [0x80], [0xc0, 0x80], [0xe0, 0x80, 0x80], [0xed, 0xa0, 0x80],
      [0xf4, 0x90, 0x80, 0x80], [0xf8, 0x88, 0x80, 0x80, 0x80], [0xe2, 0x82], [0xf0, 0x9f, 0x8e]]) {
      isMalformed(await send(withBytes(bytes)));
    }
  });
  test('a number that no double holds', async () => {
    isMalformed(await send(withMetadata('{"a":1e999}')));
  });
  test('nesting without end', async () => {
    for (const depth of [33, 1000, 20_000]) {
      isMalformed(await send(withMetadata('['.repeat(depth) + ']'.repeat(depth))));
      isMalformed(await send('['.repeat(depth)));
      isMalformed(await send(`${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`));
    }
  });
});

describe('JSON of another shape', () => {
  test('that is empty has no members', async () => {
    for (const text of ['', ' ', '\r\n', '{}']) isError(await send(text), 400, 'Unknown event');
  });
  test('that is no object is refused', async () => {
    for (const text of ['[]', '[1]', 'null', 'true', '5', '"text"', '[{"event":"account-status-changed"}]']) {
      const answer = await send(text);
      assert.ok([400, 422].includes(answer.status), `${text}: ${answer.status}`);
      isError(answer, answer.status);
    }
  });
  test('whose event is unknown is an unknown event', async () => {
    for (const event of ['no-such-event', 'ACCOUNT-STATUS-CHANGED', 'account-status-changed ', 'qr-code-generated\n',
      'account-status-change']) {
      const answer = await send({ ...good(), event });
      assert.equal(isError(answer, 400).error, 'Unknown event', JSON.stringify(event));
    }
  });
  test('whose event is missing or no text is refused', async () => {
    for (const event of [undefined, null, '', 5, true, [], {}, ['account-status-changed']]) {
      const answer = await send({ ...good(), event });
      assert.ok([400, 422].includes(answer.status), `${JSON.stringify(event)}: ${answer.status}`);
      isError(answer, answer.status);
    }
  });
  test('whose data is missing or no object is refused', async () => {
    for (const event of ['account-status-changed', 'qr-code-generated']) {
      for (const data of [undefined, null, [], 'text', 5, true]) isError(await send({ event, data }), 422);
      isInvalid(await send({ event, data: {} }), 'workspace_id');
    }
  });
  test('with a member of the wrong type is refused, by name', async () => {
    const wrong = {
      status: [undefined, null, '', 5, true, [], {}, ['connected']],
      workspace_id: [undefined, null, 'abc', '', -1, 1.5, true, [], {}, 1e30, `${account.workspace_id} `],
      account_id: [undefined, null, '', true, 1.5, [], {}, [account.uuid]],
      phone_number: [true, [], {}, ['628']],
      metadata: ['text', 5, true, ['a']],
    };
    for (const [name, values] of Object.entries(wrong)) {
      for (const value of values) isInvalid(await send(good({ [name]: value })), name);
    }
  });
  test('with several faults names them all', async () => {
    const { errors } = (await send(good({ status: 5, workspace_id: 'abc' }))).json;
    assert.equal(Object.keys(errors).length, 2, JSON.stringify(errors));
  });
});

test('an id that no account has, in any form, is a 404', async () => {
  for (const account_id of ['x', '0', 0, -1, 2147483000, 1e15, '18446744073709551616', 'webjs_1_1763000000_Unknown1',
    `${account.id} OR 1=1`, "' OR ''='", '%', '../', 'é🎉', 'x'.repeat(5000)]) {
    const answer = await send(good({ account_id }));
    assert.ok([404, 422].includes(answer.status), `${account_id}: ${answer.status}`);
  }
});

test('another workspace\'s account is not there, under any of its names', async () => {
  for (const account_id of [account.uuid, account.id, String(account.id), account.session_id]) {
    isNotFound(await send(good({ account_id, workspace_id: other })));
    isNotFound(await send({ event: 'qr-code-generated', data: { account_id, workspace_id: other, qr_code: 'QR' } }));
    isNotFound(await stack.signed('POST', `${BASE}/${account_id}/mark-disconnected`, { workspace_id: other }));
    isNotFound(await stack.signed('GET', `${BASE}/${account_id}/status?workspace_id=${other}`));
  }
});

test('a body over the limit is a 413, whatever is in it', async () => {
  for (const bytes of [1024 * 1024 + 1, 3 * 1024 * 1024]) {
    const answer = await send(withMetadata(`{"a":"${'x'.repeat(bytes)}"}`));
    assert.equal(answer.status, 413);
    assert.equal(typeof answer.json.message, 'string');
  }
});

test('a large body within the limit is read, and refused for what it is', async () => {
  isInvalid(await send(withMetadata(`{"a":"${'x'.repeat(100_000)}"}`)), 'metadata');
  const data = Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`k${i}`, i]));
  isError(await send({ event: 'no-such-event', data }), 400);
});
