// POST /settings/whatsapp-accounts: what may stand in its fields, and in which words the rest is refused.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { isDone, isInvalid, isRefused } from './lib/browser-expect.mjs';
import { phone } from './lib/fixtures.mjs';
import { logIn } from './lib/login.mjs';
import { startStack } from './lib/stack.mjs';

const words = {
  phone: {
    required: 'The phone number field is required.',
    string: 'The phone number field must be a string.',
    format: 'The phone number field format is invalid.',
  },
  name: {
    string: 'The account name field must be a string.',
    max: 'The account name field must not be greater than 255 characters.',
  },
  provider: {
    required: 'The provider type field is required.',
    string: 'The provider type field must be a string.',
    in: 'The selected provider type is invalid.',
  },
  primary: 'The is primary field must be true or false.',
};

let stack, ana, earlier;
before(async () => {
  stack = await startStack();
  ana = await logIn(stack);
});
after(() => stack?.stop());

const good = (changes) => ({ phone_number: phone(), provider_type: 'webjs', ...changes });
const post = (options) => ana.call('POST', '', options);
const form = (fields) => Object.entries(fields).map(([name, value]) =>
  `${encodeURIComponent(name)}=${encodeURIComponent(value)}`).join('&');

/** Taken: the account as it is stored. */
async function taken(options) {
  const { data } = isDone(await post(options), 'Account created successfully', 201);
  return (await stack.state(data.id)).account;
}
/** Refused with these sentences, and nothing is stored. */
async function refused(options, errors) {
  earlier = await stack.value('SELECT COALESCE(MAX(id), 0) FROM whatsapp_accounts');
  isInvalid(await post(options), errors);
  assert.equal(await stack.value('SELECT COALESCE(MAX(id), 0) FROM whatsapp_accounts'), earlier, 'nothing is stored');
}

/** For each value a test as JSON, and as a form where a form can say it. */
function refuses(name, value, errors, { text = typeof value === 'string' } = {}) {
  test(`${name}: ${JSON.stringify(value)?.slice(0, 60) ?? 'missing'}`, async () => {
    await refused({ json: good({ [name]: value }) }, { [name]: errors });
    const fields = good();
    delete fields[name];
    if (value === undefined) await refused({ form: form(fields) }, { [name]: errors });
    if (text) await refused({ form: form({ ...fields, [name]: value }) }, { [name]: errors });
  });
}

describe('phone_number', () => {
  const { required, string, format } = words.phone;
  for (const nothing of [undefined, null, '', ' ', ' \t\r\n', '\u00a0', '\u200b\ufeff\u200e', '\u3000\u2003', [], {}]) {
    refuses('phone_number', nothing, [required]);
  }
  for (const number of [628123456789, 12345, 0.1234567]) refuses('phone_number', number, [string]);
  for (const number of [5, 0, -1, 1.5, 1e30]) refuses('phone_number', number, [string, format]);
  for (const other of [true, false, ['628123456789'], { 0: '628123456789' }, { a: 1 }, [[]], [null]]) {
    refuses('phone_number', other, [string, format]);
  }
  for (const text of ['1234', '+1-2(3).4', '0'.repeat(21), `+${'9'.repeat(21)}`, '62812x3456789', 'abc', '+', '.....',
    '-', '62812/3456', '62812,3456', '62812;3456', '62812\t3456', '62812\n3456', '62812\u00a03456', '62812\u200b3456',
    '６２８１２３４５６', '٠١٢٣٤٥٦٧٨', '62812é3456', '1e100000', '0x6281234', '"6281234"', "6281234'", '6281234 x 1',
    '🎉628123', `628123${' '.repeat(44)}9`, `6281234${'-'.repeat(44)}5`]) {
    refuses('phone_number', text, [format]);
  }

  const fine = ['12345', '01234567890123456789', '+62 812-3456-7890', '(021) 555.1234', '+++12345', '1-2-3-4-5',
    `1 2 3 4 5 6 7 8 9 0${' '.repeat(30)}1`, '12345.', '..12345'];
  for (const number of fine) {
    test(`takes ${number}`, async () => {
      assert.equal((await taken({ json: good({ phone_number: number }) })).phone_number, number);
      await stack.sql(`DELETE FROM whatsapp_accounts WHERE workspace_id = ${ana.workspace}`);
      assert.equal((await taken({ form: form(good({ phone_number: number })) })).phone_number, number);
      await stack.sql(`DELETE FROM whatsapp_accounts WHERE workspace_id = ${ana.workspace}`);
    });
  }
});

describe('account_name', () => {
  const { string, max } = words.name;
  for (const other of [5, 0, 1.5, true, false, ['x'], { a: 'x' }, [[]], 628123456789]) {
    refuses('account_name', other, [string]);
  }
  for (const letter of ['x', 'é', '文', '🎉', ' \u0301'.trim()]) {
    refuses('account_name', letter.repeat(256), [max]);
    test(`takes 255 times ${letter}, and blanks around it`, async () => {
      for (const send of ['json', 'form']) {
        const fields = good({ account_name: `  ${letter.repeat(255)}\u00a0\n` });
        const account = await taken(send === 'json' ? { json: fields } : { form: form(fields) });
        assert.equal(account.account_name, letter.repeat(255));
      }
    });
  }
  refuses('account_name', 'x'.repeat(100_000), [max]);
  for (const nothing of [undefined, null, '', '  ', [], {}]) {
    test(`may be missing: ${JSON.stringify(nothing) ?? 'not there'}`, async () => {
      if (typeof nothing === 'object' && nothing !== null) {
        return refused({ json: good({ account_name: nothing }) }, { account_name: [string] });
      }
      const account = await taken({ json: good({ account_name: nothing }) });
      return assert.equal(account.account_name, account.phone_number);
    });
  }
});

describe('provider_type', () => {
  const { required, string, in: invalid } = words.provider;
  for (const nothing of [undefined, null, '', '  ', '\u200b', [], {}]) refuses('provider_type', nothing, [required]);
  for (const other of [5, 0, true, false, 1.5, ['webjs'], { a: 'meta' }, [['webjs']]]) {
    refuses('provider_type', other, [string, invalid]);
  }
  for (const text of ['WebJS', 'META', 'webjs2', 'web js', 'webjs,meta', 'whatsapp', '0', '1', 'null', 'webjs\u00ad',
    'wébjs']) {
    refuses('provider_type', text, [invalid]);
  }
  for (const provider_type of ['webjs', 'meta']) {
    test(`takes ${provider_type}`, async () => {
      assert.equal((await taken({ json: good({ provider_type }) })).provider_type, provider_type);
      assert.equal((await taken({ form: form(good({ provider_type: ` ${provider_type} ` })) })).provider_type,
        provider_type);
    });
  }
});

describe('is_primary', () => {
  for (const other of [null, '', ' ', 'true', 'false', 'yes', 'no', 'on', 'off', 'null', '2', '-1', '01', '00', '1.0',
    '+1', '１']) {
    refuses('is_primary', other, [words.primary]);
  }
  for (const other of [2, -1, [], {}, [true], { a: 1 }]) refuses('is_primary', other, [words.primary]);
  for (const raw of ['1.0', '0.0', '1e0', '10e-1', '2', '1.5', '18446744073709551617', '1e999999']) {
    test(`is_primary: the number ${raw}`, async () => {
      const body = JSON.stringify(good({ is_primary: 'HERE' })).replace('"HERE"', raw);
      const answer = await post({ body, headers: { 'Content-Type': 'application/json' } });
      if (raw.length > 10 || raw === '1e999999') assert.ok([400, 422].includes(answer.status), answer.text);
      else isInvalid(answer, { is_primary: [words.primary] });
    });
  }

  for (const [value, expected] of [[undefined, false], [false, false], [0, false], ['0', false], [' 0 ', false],
    [true, true], [1, true], ['1', true], ['\u00a01', true]]) {
    test(`takes ${JSON.stringify(value) ?? 'nothing'} for ${expected}`, async () => {
      assert.equal((await taken({ json: good({ is_primary: value }) })).is_primary, expected);
      if (typeof value === 'string') {
        assert.equal((await taken({ form: form(good({ is_primary: value })) })).is_primary, expected);
      }
    });
  }
});

describe('several faults', () => {
  test('are all told, in the order of the fields, whatever order they came in', async () => {
    await refused({ json: {} }, { phone_number: [words.phone.required], provider_type: [words.provider.required] });
    await refused({}, { phone_number: [words.phone.required], provider_type: [words.provider.required] });
    const all = { phone_number: [words.phone.format], account_name: [words.name.string],
      provider_type: [words.provider.in], is_primary: [words.primary] };
    await refused({ json: { is_primary: 'x', provider_type: 'x', account_name: 5, phone_number: 'x' } }, all);
    await refused({ json: { phone_number: 'x', account_name: 5, provider_type: 'x', is_primary: 'x' } }, all);
    const lists = { phone_number: [words.phone.string, words.phone.format], account_name: [words.name.string],
      provider_type: [words.provider.string, words.provider.in], is_primary: [words.primary] };
    await refused({ form: 'phone_number[]=1&account_name[]=2&provider_type[]=webjs&is_primary[]=1' }, lists);
    await refused({ form: 'phone_number[a]=1&account_name[b][c]=2&provider_type[0]=webjs&is_primary[]=' }, lists);
    await refused({ form: Object.keys(lists).map((name) => `${name}%5B%5D=`).join('&') }, lists);
  });
});

describe('JSON that is no object', () => {
  for (const text of ['[]', '[1]', 'null', 'true', '5', '"text"', '[{"phone_number":"628123456789"}]']) {
    test(`${text} is refused`, async () => {
      const answer = await post({ body: text, headers: { 'Content-Type': 'application/json' } });
      assert.ok([400, 422].includes(answer.status), answer.text);
      isRefused(answer, answer.status, answer.json.code);
    });
  }
});
