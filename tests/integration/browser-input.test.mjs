// How a write may be written: JSON and forms, the query beside them, and what is neither.

import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { isDone, isInvalid, isRefused } from './lib/browser-expect.mjs';
import { phone } from './lib/fixtures.mjs';
import { logIn } from './lib/login.mjs';
import { startStack } from './lib/stack.mjs';

let stack, ana, earlier;
before(async () => {
  stack = await startStack();
  ana = await logIn(stack);
});
after(() => stack?.stop());
beforeEach(async () => (earlier = await stack.checksum()));

const JSON_TYPE = 'application/json';
const FORM_TYPE = 'application/x-www-form-urlencoded';
const send = (body, type, query = '') => ana.call('POST', query,
  { body, headers: type ? { 'Content-Type': type } : {} });
const good = (changes) => ({ phone_number: phone(), provider_type: 'webjs', ...changes });

/** Taken: the account as it is stored. */
async function taken(answer) {
  const { data } = isDone(await answer, 'Account created successfully', 201);
  return (await stack.state(data.id)).account;
}
async function refused(answer, status, code) {
  isRefused(await answer, status, code);
  assert.equal(await stack.checksum(), earlier, 'nothing is stored');
}
/** The good JSON with these bytes in its name. */
function withBytes(bytes) {
  const [head, tail] = JSON.stringify(good({ account_name: 'HERE' })).split('HERE');
  return Buffer.concat([Buffer.from(head), Buffer.from(bytes), Buffer.from(tail)]);
}

describe('a body of another type is a 415', () => {
  const types = ['text/plain', 'text/html', 'application/xml', 'multipart/form-data; boundary=x', `${FORM_TYPE}2`,
    'json', 'application', '/', ';', 'text/plain; x=application/json'];
  for (const type of types) {
    test(type, () => refused(send(JSON.stringify(good()), type), 415, 'unsupported_media_type'));
  }
  test('none', () => refused(send(JSON.stringify(good())), 415, 'unsupported_media_type'));
});

describe('a type', () => {
  for (const type of [JSON_TYPE, 'application/json; charset=utf-8', 'application/json;charset=UTF-8',
    'Application/JSON', 'application/json ; x=y']) {
    test(`${type} is JSON`, () => taken(send(JSON.stringify(good()), type)));
  }
  for (const type of [FORM_TYPE, `${FORM_TYPE}; charset=UTF-8`, 'APPLICATION/X-WWW-FORM-URLENCODED']) {
    test(`${type} is a form`, () => taken(send(String(new URLSearchParams(good())), type)));
  }
});

describe('what is no JSON is a 400', () => {
  const texts = {
    'a word': 'hello', 'a form': 'phone_number=628123456789', 'an open object': '{"phone_number":"628123456789"',
    'an open string': '{"phone_number":"628', 'a comma too many': '{"phone_number":"628123456789",}',
    'single quotes': "{'phone_number':'628123456789'}", 'a bare name': '{phone_number:"628123456789"}',
    'something behind it': `${JSON.stringify(good())} x`, 'two values': '{}{}', 'a comment': '{} // y',
    'NaN': '{"x":NaN}', 'a leading zero': '{"x":01}', 'a byte order mark': '\ufeff{}',
    'a raw newline in a string': '{"x":"a\nb"}', 'a broken escape': '{"x":"\\x41"}',
    'half a surrogate pair': '{"x":"\\ud800"}', 'a NUL behind it': '{}\0',
    'an escaped NUL': '{"account_name":"a\\u0000b"}', 'an escaped NUL in a name': '{"a\\u0000b":1}',
    'nesting without end': `{"x":${'['.repeat(20_000)}${']'.repeat(20_000)}}`,
  };
  for (const [name, text] of Object.entries(texts)) {
    test(name, () => refused(send(text, JSON_TYPE), 400, 'bad_request'));
  }
  test('bytes that are no UTF-8', async () => {
    for (const bytes of [[0], [0xff], [0xc3], [0x80], [0xc0, 0x80], [0xe0, 0x80, 0x80], [0xed, 0xa0, 0x80],
      [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x82]]) {
      await refused(send(withBytes(bytes), JSON_TYPE), 400, 'bad_request');
    }
  });
});

describe('a form', () => {
  const fields = (text) => send(`provider_type=webjs&phone_number=${phone()}&account_name=${text}`, FORM_TYPE);

  test('has plus signs for blanks, and escapes in either case', async () => {
    assert.equal((await taken(fields('Toko+Satu%2B%26%3d%C3%a9%f0%9f%8E%89'))).account_name, 'Toko Satu+&=é🎉');
    const account = await taken(send('phone_number=%2B62+812+3456+0001&provider_type=webjs', FORM_TYPE));
    assert.equal(account.phone_number, '+62 812 3456 0001');
  });

  test('counts the last of two fields with one name, as PHP does', async () => {
    assert.equal((await taken(fields('one&account_name=two'))).account_name, 'two');
  });

  test('may have empty pieces, and fields without a value', async () => {
    const account = await taken(send(`&&x&=&provider_type=webjs&phone_number=${phone()}&account_name&`, FORM_TYPE));
    assert.equal(account.account_name, account.phone_number);
  });

  test('whose bytes are no UTF-8, or a NUL, is refused', async () => {
    for (const text of ['%ff', '%c3', '%C0%80', '%ed%a0%80', 'a%80b']) {
      await refused(fields(text), 400, 'bad_request');
    }
    const answer = await fields('a%00b');
    assert.ok([400, 422].includes(answer.status), answer.text);
    assert.equal(await stack.checksum(), earlier, 'nothing is stored');
  });

  test('of very many fields is read, or refused, and harms nobody', async () => {
    const many = Array.from({ length: 20_000 }, (_, i) => `f${i}=${i}`).join('&');
    const answer = await send(`${many}&provider_type=webjs&phone_number=${phone()}`, FORM_TYPE);
    assert.ok([201, 400, 422].includes(answer.status), answer.text);
    assert.equal((await stack.call('GET', '/healthz')).status, 200);
  });
});

describe('the query', () => {
  test('is input too, with an empty body or beside one', async () => {
    const query = () => `?provider_type=webjs&phone_number=${phone()}`;
    for (const type of [undefined, JSON_TYPE, FORM_TYPE]) await taken(send('', type, query()));
    await taken(send('{}', JSON_TYPE, query()));
    assert.equal((await taken(send('{"account_name":"Toko"}', JSON_TYPE, query()))).account_name, 'Toko');
    assert.equal((await taken(send('account_name=Toko', FORM_TYPE, query()))).account_name, 'Toko');
    assert.equal((await taken(send('', undefined, `${query()}&account_name=+Toko+%C3%A9+&is_primary=1`))).account_name,
      'Toko é');
  });

  test('gives way to the body, field by field', async () => {
    const query = () => `?provider_type=meta&phone_number=${phone()}&account_name=query`;
    const number = phone();
    const body = { phone_number: number, provider_type: 'webjs' };
    const account = await taken(send(JSON.stringify(body), JSON_TYPE, query()));
    assert.equal(account.phone_number, number);
    assert.equal(account.provider_type, 'webjs');
    assert.equal(account.account_name, 'query');
    isInvalid(await send('{"provider_type":"x"}', JSON_TYPE, query()),
      { provider_type: ['The selected provider type is invalid.'] });
    isInvalid(await send('{"provider_type":null}', JSON_TYPE, query()),
      { provider_type: ['The provider type field is required.'] });
  });

  test('may hold lists, which are no texts', async () => {
    isInvalid(await send('', undefined, `?provider_type=webjs&phone_number[]=${phone()}`), { phone_number:
      ['The phone number field must be a string.', 'The phone number field format is invalid.'] });
  });
});

test('an empty body is no body, whatever its type', async () => {
  const missing = { phone_number: ['The phone number field is required.'],
    provider_type: ['The provider type field is required.'] };
  for (const type of [undefined, JSON_TYPE, FORM_TYPE, 'text/plain']) isInvalid(await send('', type), missing);
  for (const text of [' ', '\r\n']) isInvalid(await send(text, FORM_TYPE), missing);
});
