// What we demand of a new account, and what Laravel's own validator demands
// with the rules of the application: the same fields, in the same order, and
// for each the same sentences.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { phone } from './lib/fixtures.mjs';
import { startLaravel } from './lib/laravel.mjs';
import { PAGE } from './lib/login.mjs';
import { startStack } from './lib/stack.mjs';

let stack, browser;
before(async () => {
  stack = await startStack();
  const laravel = await startLaravel(stack);
  const workspace = await stack.workspace();
  const user = await laravel.user({ workspace });
  browser = await laravel.login(user.email, workspace);
});
after(() => stack?.stop());

const JSON_TYPE = { 'Content-Type': 'application/json' };
const FORM_TYPE = { 'Content-Type': 'application/x-www-form-urlencoded' };

/** The same request to Laravel's validator and to us; the rules that fail there fail here, and no others. */
async function judgedAlike(options) {
  const { query = '', ...rest } = options;
  const theirs = await browser.call('POST', `/php/validate${query}`, rest);
  assert.equal(theirs.status, 200, theirs.text);
  const { failed, errors } = theirs.json;
  const ours = await browser.call('POST', `${PAGE}${query}`, rest);
  if (Object.keys(failed).length === 0) {
    assert.equal(ours.status, 201, `Laravel takes it: ${ours.text}`);
  } else {
    assert.equal(ours.status, 422, `Laravel refuses ${JSON.stringify(failed)}: ${ours.text}`);
    assert.equal(ours.json.message, 'Validation failed');
    assert.deepEqual(ours.json.errors, errors);
    assert.deepEqual(Object.keys(ours.json.errors), Object.keys(errors), 'in the order of the fields');
  }
  return failed;
}

/** A good account but for what is given. */
const good = (changes) => ({ phone_number: phone(), provider_type: 'webjs', ...changes });
const long = (n, character = 'x') => character.repeat(n);
const list = (n) => Array.from({ length: n }, (_, i) => i);
const object = (n) => Object.fromEntries(list(n).map((i) => [`k${i}`, i]));

const values = {
  phone_number: {
    'a number in digits': () => phone(),
    'a number as people write it': () => `+${phone().replace(/^(..)(...)(....)/, '$1 ($2) $3-')}`,
    'with dots': () => phone().replace(/(....)/g, '$1.'),
    'blanks around it': () => `  ${phone()}\t\n`,
    'missing': undefined,
    'null': null,
    'empty': '',
    'only blanks': '   ',
    'four digits': '1234',
    'twenty-one digits': '123456789012345678901',
    'fifty-one characters': `${long(46, '-')}12345`,
    'letters': 'call me',
    'a letter among digits': '62812x3456',
    'a newline inside': '62812\n34567',
    'a no-break space inside': '62812\u00a034567',
    'digits of another script': '٠١٢٣٤٥٦٧',
    'a number': 628123456789,
    'a small number': 5,
    'a negative number': -628123,
    'zero': 0,
    'a fraction': 6281234.5,
    'true': true,
    'false': false,
    'a list': ['628123456'],
    'an empty list': [],
    'an object': { a: '628123456' },
    'an empty object': {},
    'a list in a list': [[]],
  },
  account_name: {
    'missing': undefined,
    'null': null,
    'empty': '',
    'a name': 'Front desk',
    '255 characters': long(255),
    '255 characters of four bytes': long(255, '😀'),
    '256 characters': long(256),
    '256 characters and a blank that is cut off': `${long(255)} `,
    '256 characters of four bytes': long(256, '😀'),
    'a number': 5,
    'zero': 0,
    'true': true,
    'false': false,
    'a list': ['a'],
    'a list of 255': list(255),
    'a list of 256': list(256),
    'an empty list': [],
    'an object of 256': object(256),
    'an empty object': {},
  },
  provider_type: {
    'meta': 'meta',
    'blanks around it': ' webjs ',
    'missing': undefined,
    'null': null,
    'empty': '',
    'another word': 'telegram',
    'in capitals': 'WEBJS',
    'both': 'webjs,meta',
    'a number': 0,
    'true': true,
    'false': false,
    'a list': ['webjs'],
    'an empty list': [],
    'an object': { a: 'webjs' },
    'a fraction': 0.5,
  },
  is_primary: {
    'missing': undefined,
    'true': true,
    'false': false,
    'one': 1,
    'zero': 0,
    'one in a text': '1',
    'zero in a text': '0',
    'one in a text, with blanks': ' 1 ',
    'null': null,
    'empty': '',
    'two': 2,
    'minus one': -1,
    'the word true': 'true',
    'on': 'on',
    'two digits': '01',
    'a list': [true],
    'an empty list': [],
    'an object': { a: 1 },
    'an empty object': {},
  },
};

for (const [field, cases] of Object.entries(values)) {
  describe(`${field}, in JSON`, () => {
    for (const [what, value] of Object.entries(cases)) {
      test(what, () => judgedAlike({ json: good({ [field]: typeof value === 'function' ? value() : value }) }));
    }
  });
}

describe('JSON as JavaScript does not write it', () => {
  const body = (text) => ({ body: text, headers: JSON_TYPE });
  const cases = {
    'a number with a dot': () => `{"phone_number":"${phone()}","provider_type":"webjs","is_primary":1.0}`,
    'a number with an exponent': () => `{"phone_number":"${phone()}","provider_type":"webjs","is_primary":1e0}`,
    'minus zero': () => `{"phone_number":"${phone()}","provider_type":"webjs","is_primary":-0}`,
    'a phone number that is a whole fraction': () => '{"phone_number":628123.0,"provider_type":"webjs"}',
    'a phone number with an exponent': () => '{"phone_number":62812e3,"provider_type":"webjs"}',
    'a phone number with a large exponent': () => '{"phone_number":6.28123e18,"provider_type":"webjs"}',
    'a phone number with more digits than PHP writes': () =>
      '{"phone_number":0.30000000000000004,"provider_type":"webjs"}',
    'a phone number of seventeen digits with a dot': () =>
      '{"phone_number":1234567.8901234567,"provider_type":"webjs"}',
    'escapes': () => `{"phone_number":"\\u002b${phone()}","provider_type":"web\\u006as"}`,
    'names are as they are': () => `{"Phone_Number":"${phone()}","phone.number":"1","provider_type":"webjs"}`,
    'an empty object': () => '{}',
    'an empty list': () => '[]',
  };
  for (const [what, make] of Object.entries(cases)) {
    test(what, () => judgedAlike(body(make())));
  }
  test('application/vnd.api+json', () => judgedAlike({ body: JSON.stringify(good()),
    headers: { 'Content-Type': 'application/vnd.api+json' } }));
  test('no body at all', () => judgedAlike({}));
});

// PHP takes the last of two, rounds, skips what it cannot read, and writes "_" for "." in names.
describe('what we refuse, and PHP bends', () => {
  const inJson = {
    'a member twice': `{"phone_number":"x","phone_number":"${phone()}","provider_type":"webjs"}`,
    'a number beyond 64 bits': '{"phone_number":12345678901234567890123,"provider_type":"webjs"}',
    'a NUL': '{"phone_number":"62812\\u000034567","provider_type":"webjs"}',
    'a list': '[1,2]',
    'a text': '"628123456"',
    'null': 'null',
    'an object that does not end': '{"phone_number":"628123456"',
    'two objects': '{}{}',
    'a comma too much': '{"provider_type":"webjs",}',
    'bytes that are no UTF-8': Buffer.from('{"account_name":"\xe9","provider_type":"webjs"}', 'latin1'),
  };
  const inForms = {
    'a NUL': `phone_number=%00${phone()}%00&provider_type=webjs`,
    'bytes that are no UTF-8': `phone_number=${phone()}&provider_type=webjs&account_name=%E9t%E9`,
  };
  const judge = (path, body, headers) => browser.call('POST', path, { body, headers });
  for (const [type, texts] of [[JSON_TYPE, inJson], [FORM_TYPE, inForms]]) {
    for (const [what, text] of Object.entries(texts)) {
      test(`${what}, in ${type['Content-Type']}`, async () => {
        const theirs = await judge('/php/validate', text, type);
        assert.equal(theirs.status, 200, theirs.text);
        const ours = await judge(PAGE, text, type);
        assert.equal(ours.status, 400, ours.text);
        assert.equal(ours.json.code, 'bad_request');
      });
    }
  }
  test('a dot or a blank in the name of a field', async () => {
    for (const form of [`phone.number=${phone()}&provider.type=webjs`, `phone+number=${phone()}&provider+type=webjs`]) {
      assert.deepEqual((await judge('/php/validate', form, FORM_TYPE)).json.failed, []);
      const ours = await judge(PAGE, form, FORM_TYPE);
      assert.equal(ours.status, 422, ours.text);
      assert.deepEqual(Object.keys(ours.json.errors), ['phone_number', 'provider_type']);
    }
  });
});

describe('forms', () => {
  const cases = {
    'everything': () => `phone_number=${phone()}&account_name=Front+desk&provider_type=webjs&is_primary=0`,
    'everything, percent-encoded': () => `phone%5Fnumber=%2B${phone()}&provider%5ftype=web%6As&is_primary=%30`,
    'nothing but the token': () => '',
    'empty values': () => 'phone_number=&account_name=&provider_type=&is_primary=',
    'names without a value': () => 'phone_number&account_name&provider_type&is_primary',
    'blanks': () => `phone_number=++${phone()}++&provider_type=+webjs+&is_primary=+1+`,
    'an is_primary of true': () => `phone_number=${phone()}&provider_type=webjs&is_primary=true`,
    'a checkbox': () => `phone_number=${phone()}&provider_type=webjs&is_primary=on`,
    'a field twice: the last counts': () => `phone_number=x&phone_number=${phone()}&provider_type=webjs`,
    'a list': () => `phone_number[]=${phone()}&provider_type[]=webjs&account_name[]=a&is_primary[]=1`,
    'a list with brackets that are encoded': () => `phone_number%5B%5D=${phone()}&provider_type=webjs`,
    'an object': () => `phone_number[a]=${phone()}&provider_type[b][c]=webjs&account_name[x]=a`,
    'a value and then a list': () => `phone_number=${phone()}&phone_number[]=1&provider_type=webjs`,
    'a list and then a value': () => `phone_number[]=1&phone_number=${phone()}&provider_type=webjs`,
    'a list of 256': () =>
      `phone_number=${phone()}&provider_type=webjs${list(256).map((i) => `&account_name[]=${i}`).join('')}`,
    'half an escape': () => 'phone_number=62812%4&provider_type=%zz',
    'fields of others': () => `x=1&phone_number=${phone()}&&provider_type=webjs&=5`,
    'a name of 256 characters': () => `phone_number=${phone()}&provider_type=webjs&account_name=${long(256, '%C3%A9')}`,
    'another provider': () => `phone_number=${phone()}&provider_type=sms`,
    'a phone number of letters': () => 'phone_number=abc&provider_type=webjs',
  };
  for (const [what, make] of Object.entries(cases)) {
    test(what, () => judgedAlike({ body: make(), headers: FORM_TYPE }));
  }
});

describe('query and body', () => {
  test('fields of the query count', () =>
    judgedAlike({ query: `?phone_number=${phone()}&provider_type=webjs` }));
  test('fields of the query count beside those of the body', () =>
    judgedAlike({ query: '?provider_type=webjs', json: { phone_number: phone() } }));
  test('the body wins', () =>
    judgedAlike({ query: '?provider_type=sms&phone_number=abc&is_primary=maybe', json: good({ is_primary: false }) }));
  test('the body wins, also with what is wrong', () => judgedAlike({
    query: `?provider_type=webjs&phone_number=${phone()}`, json: { provider_type: 'sms', phone_number: null } }));
  test('the body wins in a form', () =>
    judgedAlike({ query: '?provider_type=sms', form: good() }));
  test('lists in the query', () =>
    judgedAlike({ query: `?account_name[]=a&is_primary[x]=1`, json: good() }));
});

describe('everything at once', () => {
  test('all wrong', async () => {
    const failed = await judgedAlike({ json: { is_primary: 'perhaps', provider_type: [1], account_name: list(3),
      phone_number: ['x'] } });
    assert.deepEqual(failed, { phone_number: ['String', 'Regex'], account_name: ['String'],
      provider_type: ['String', 'In'], is_primary: ['Boolean'] });
  });
  test('all missing or null', () => judgedAlike({ json: { phone_number: null, account_name: null, provider_type: null,
    is_primary: null } }));
});

// Laravel 8, which is asked here, cuts off ASCII's blanks only; Laravel 12 all of these.
describe('blanks that only newer Laravels cut off', () => {
  const blanks = { 'no-break space': '\u00a0', 'em space': '\u2003', 'ideographic space': '\u3000',
    'byte order mark': '\ufeff', 'zero width space': '\u200b', 'left-to-right mark': '\u200e' };
  for (const [name, blank] of Object.entries(blanks)) {
    test(name, async () => {
      const number = phone();
      const answer = await browser.post(PAGE, good({ phone_number: `${blank} ${number}${blank}`,
        account_name: blank }));
      assert.equal(answer.status, 201, answer.text);
      assert.deepEqual([answer.json.data.phone_number, answer.json.data.account_name], [number, number]);
    });
  }
});
