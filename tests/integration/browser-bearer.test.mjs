// Authorization: Bearer: Sanctum's tokens, and the keys of a workspace.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { isForbidden, isOk, isRefused, isUnauthenticated, whyOf } from './lib/browser-expect.mjs';
import { connected, phone, utc } from './lib/fixtures.mjs';
import { join, logIn, newUser, newWorkspace, random40 } from './lib/login.mjs';
import { whileTablesLocked } from './lib/session.mjs';
import { withSettings } from './lib/settings.mjs';
import { startStack } from './lib/stack.mjs';
import { digest, makeKeyTable, makeTokenTable, newToken, newWorkspaceKey, script } from './lib/tokens.mjs';

let stack, ana;
before(async () => {
  stack = await startStack({ pool: false });
  await makeTokenTable(stack);
  await makeKeyTable(stack);
  await stack.startPool();
  ana = await logIn(stack);
});
after(() => stack?.stop());

const ask = (text, options) => script(stack, text).call('GET', '', options);
async function letsIn(text, options, workspace = ana.workspace) {
  assert.equal(isOk(await ask(text, options)).workspaceId, workspace);
}
async function isKeptOut(text, why, options) {
  const answer = await ask(text, options);
  isUnauthenticated(answer);
  assert.equal(await whyOf(stack, answer), why);
}

describe('a token of Sanctum', () => {
  test('is what the customer was given: a number, a bar and a secret', async () => {
    await letsIn((await newToken(stack, ana.user)).text);
  });

  test('is the same without its number, as older ones are kept by their customers', async () => {
    await letsIn((await newToken(stack, ana.user)).secret);
  });

  test('may have a prefix and a checksum', async () => {
    await letsIn((await newToken(stack, ana.user, { secret: `toko_${random40()}1a2b3c4d` })).text);
  });

  test('reads and writes, and what it makes is made by its user', async () => {
    const { text } = await newToken(stack, ana.user);
    const client = script(stack, text);
    const made = await client.call('POST', '', { json: { phone_number: phone(), provider_type: 'webjs' } });
    assert.equal(made.status, 201, made.text);
    const { account } = await stack.state(made.json.data.id);
    assert.equal(account.created_by, ana.user);
    assert.equal(account.workspace_id, ana.workspace);
    for (const [method, end] of [['GET', ''], ['GET', '/statistics'], ['POST', '/set-primary'], ['POST', '/disconnect'],
      ['POST', '/reconnect'], ['POST', '/regenerate-qr'], ['DELETE', '']]) {
      isOk(await client.call(method, `/${account.uuid}${end}`));
    }
  });

  test('is looked at, and the cookie beside it is not', async () => {
    const { text } = await newToken(stack, ana.user);
    const other = await logIn(stack);
    for (const Cookie of [other.cookie, 'laravel_session=x', 'laravel_session=']) {
      await letsIn(text, { headers: { Cookie } });
    }
    await isKeptOut(`1|${random40()}`, 'bad_token', { headers: { Cookie: ana.cookie } });
  });

  test('is none when it is written otherwise', async () => {
    const { id, secret, text } = await newToken(stack, ana.user);
    const swapped = secret.replace(/[a-z]/gi, (c) => (c < 'a' ? c.toLowerCase() : c.toUpperCase()));
    for (const wrong of ['', '|', `${id}`, `${id}|`, `|${secret}`, `${id}|${swapped}`, `${id}| ${secret}`, `${text}|`,
      `${text}x`, text.slice(0, -1), `+${text}`, `${id} |${secret}`, `${id}x|${secret}`, `-${text}`,
      `18446744073709551616|${secret}`, `${id}|${digest(secret)}`, digest(secret), `${id}||${secret}`,
      `${id}%7C${secret}`, `x|${secret}`, 'null', "' OR '1'='1", 'x'.repeat(5000)]) {
      await isKeptOut(wrong, 'bad_token');
    }
  });

  test('is none in any other place', async () => {
    const { text } = await newToken(stack, ana.user);
    const headers = { Accept: 'application/json' };
    for (const more of [{ 'X-Api-Key': text }, { Authorization: text }, { Authorization: `Token ${text}` },
      { Authorization: `Basic ${Buffer.from(`x:${text}`).toString('base64')}` }]) {
      isUnauthenticated(await stack.call('GET', '/settings/whatsapp-accounts', { headers: { ...headers, ...more } }));
    }
    for (const name of ['api_token', 'token', 'access_token']) {
      isUnauthenticated(await stack.call('GET', `/settings/whatsapp-accounts?${name}=${encodeURIComponent(text)}`,
        { headers }));
    }
  });

  test('lasts until expires_at, and for ever without', async () => {
    await letsIn((await newToken(stack, ana.user, { expires_at: null })).text);
    await letsIn((await newToken(stack, ana.user, { expires_at: utc(60) })).text);
    for (const seconds of [-1, -3600, -86400 * 400]) {
      await isKeptOut((await newToken(stack, ana.user, { expires_at: utc(seconds) })).text, 'token_expired');
    }
  });

  test('needs the ability whatsapp-accounts, or all of them', async () => {
    for (const abilities of ['["*"]', '["whatsapp-accounts"]', '["contacts", "whatsapp-accounts"]', '["contacts","*"]',
      '["whatsapp\\u002daccounts"]']) {
      await letsIn((await newToken(stack, ana.user, { abilities })).text);
    }
    for (const abilities of [null, '', '[]', '{}', '["contacts"]', '["whatsapp-accounts:read"]',
      '["WHATSAPP-ACCOUNTS"]', '["whatsapp"]', '"*"', '*', 'whatsapp-accounts', '[["*"]]', '[true]', '[', 'null',
      '["whatsapp-accounts "]']) {
      const answer = await ask((await newToken(stack, ana.user, { abilities })).text);
      isForbidden(answer);
      assert.equal(await whyOf(stack, answer), 'ability', abilities);
    }
  });

  test('belongs to a user of WA_USER_MODEL', async () => {
    const model = (tokenable_type) => newToken(stack, ana.user, { tokenable_type });
    for (const other of ['App\\Models\\Admin', 'App\\User', 'app\\models\\user', 'App\\Models\\User ', 'user', '']) {
      await isKeptOut((await model(other)).text, 'bad_token');
    }
    await withSettings(stack, { WA_USER_MODEL: "'App\\User'" }, async () => {
      await letsIn((await model('App\\User')).text);
      await isKeptOut((await model('App\\Models\\User')).text, 'bad_token');
    });
  });

  test('ends with its user', async () => {
    await isKeptOut((await newToken(stack, 2147483000)).text, 'user_gone');
    const user = await newUser(stack, { deleted_at: utc(-5) });
    await newWorkspace(stack, user);
    await isKeptOut((await newToken(stack, user)).text, 'user_gone');
  });

  test('is not read from a table that is not there, and needs no column expires_at', async () => {
    const { text } = await newToken(stack, ana.user);
    const old = await newToken(stack, ana.user, { expires_at: utc(-5) });
    await stack.sql('ALTER TABLE personal_access_tokens RENAME COLUMN expires_at TO ended_at');
    await withSettings(stack, {}, async () => {
      await letsIn(text);
      await letsIn(old.text);
    });
    await stack.sql('RENAME TABLE personal_access_tokens TO other_tokens');
    await withSettings(stack, {}, () => isKeptOut(text, 'bad_token'));
    await stack.sql(`RENAME TABLE other_tokens TO personal_access_tokens;
      ALTER TABLE personal_access_tokens RENAME COLUMN ended_at TO expires_at`);
    await withSettings(stack, {}, async () => {
      await letsIn(text);
      await isKeptOut(old.text, 'token_expired');
    });
  });

  test('is no error while the application changes its tables under a pool that runs', async () => {
    const { text } = await newToken(stack, ana.user);
    await letsIn(text);
    try {
      await stack.sql('ALTER TABLE personal_access_tokens RENAME COLUMN expires_at TO ended_at');
      await letsIn(text);
      await stack.sql('RENAME TABLE personal_access_tokens TO other_tokens');
      for (let i = 0; i < 8; i++) await isKeptOut(text, 'bad_token');
    } finally {
      await stack.sql(`RENAME TABLE IF EXISTS other_tokens TO personal_access_tokens;
        ALTER TABLE personal_access_tokens RENAME COLUMN IF EXISTS ended_at TO expires_at`);
      await withSettings(stack, {}, () => letsIn(text));
    }
  });
});

describe('the workspace of a token', () => {
  test('is the only one that its user has', async () => {
    const user = await newUser(stack);
    await join(stack, user, ana.workspace);
    await letsIn((await newToken(stack, user)).text);
  });

  test('is the one of X-Workspace-Id, which must be his', async () => {
    const { user, workspace: first } = await logIn(stack);
    const second = await newWorkspace(stack, user);
    const third = (await logIn(stack)).workspace;
    await join(stack, user, third);
    const { text } = await newToken(stack, user);
    for (const workspace of [first, second, third]) await letsIn(text, { workspace }, workspace);

    const several = await ask(text);
    isRefused(several, 403, 'workspace_required');
    for (const workspace of [(await logIn(stack)).workspace, 2147483000, 0, -1, 'x', `${second}x`, `${second}.0`,
      `${second},${third}`, '18446744073709551616']) {
      isForbidden(await ask(text, { workspace }));
    }
    await stack.sql(`DELETE FROM teams WHERE user_id = ${user}; DELETE FROM workspaces WHERE id = ${second}`);
    await letsIn(text, {}, first);
  });

  test('is none of which he is only an agent, or was thrown out, or that is gone', async () => {
    const user = await newUser(stack);
    const { text } = await newToken(stack, user);
    const refused = async (workspace, why) => {
      const answer = await ask(text, { workspace });
      isForbidden(answer);
      assert.equal(await whyOf(stack, answer), why);
    };
    for (const [columns, why] of [[{ role: 'agent' }, 'role'], [{ status: 'suspended' }, 'suspended'],
      [{ deleted_at: utc(-5) }, 'not_member']]) {
      const { workspace } = await logIn(stack);
      await join(stack, user, workspace, columns);
      await refused(workspace, why);
    }
    await refused(await newWorkspace(stack, user, { deleted_at: utc(-5) }), 'workspace_gone');
    assert.equal((await ask(text)).status, 403);
  });

  test('must be his with WA_MEMBERSHIP=session too: that trusts a session, and no header', async () => {
    const mallory = await logIn(stack);
    const client = script(stack, (await newToken(stack, mallory.user)).text);
    const account = await ana.account(connected());
    await withSettings(stack, { WA_MEMBERSHIP: 'session' }, async () => {
      for (const [method, path] of [['GET', ''], ['GET', `/${account.uuid}`], ['POST', `/${account.uuid}/disconnect`],
        ['DELETE', `/${account.uuid}`]]) {
        const answer = await client.call(method, path, { workspace: ana.workspace });
        isForbidden(answer);
        assert.equal(await whyOf(stack, answer), 'not_member');
      }
      assert.deepEqual((await stack.state(account.id)).account, account);
      for (const options of [{}, { workspace: mallory.workspace }]) {
        assert.equal(isOk(await client.call('GET', '', options)).workspaceId, mallory.workspace);
      }
      const stranger = await logIn(stack, { user: mallory.user, workspace: ana.workspace });
      assert.equal(isOk(await stranger.call('GET')).workspaceId, ana.workspace, 'the cookie is trusted');
    });
  });

  test('that is not his is refused before its accounts are asked for', async () => {
    const mallory = await newUser(stack);
    await newWorkspace(stack, mallory);
    const [theirs, ours] = [await newToken(stack, mallory), await newToken(stack, ana.user)];
    const { workspace } = ana;
    await withSettings(stack, { WA_DB_TIMEOUT: 3, WA_WORKERS: 1 }, async () => {
      await letsIn(ours.text, { workspace });
      await whileTablesLocked(stack, 'whatsapp_accounts', async () => {
        const refused = await ask(theirs.text, { workspace });
        isForbidden(refused);
        assert.equal(await whyOf(stack, refused), 'not_member');
        isRefused(await ask(ours.text, { workspace }), 503, 'unavailable');
      });
    });
  });

  test('decides which accounts there are', async () => {
    const { text } = await newToken(stack, ana.user);
    const other = await logIn(stack);
    const [ours, theirs] = [await ana.account(connected()), await other.account(connected())];
    const client = script(stack, text);
    isOk(await client.call('GET', `/${ours.uuid}`));
    isRefused(await client.call('GET', `/${theirs.uuid}`), 404, 'not_found', 'Account not found');
    isRefused(await client.call('DELETE', `/${theirs.uuid}`), 404, 'not_found', 'Account not found');
  });
});

describe('a key of a workspace', () => {
  const on = (body) => withSettings(stack, { WA_WORKSPACE_KEYS: 'on' }, body);

  test('is none until WA_WORKSPACE_KEYS is on', async () => {
    await isKeptOut(await newWorkspaceKey(stack, ana.workspace), 'bad_token');
  });

  test('acts for who made the workspace, in that workspace', () => on(async () => {
    const key = await newWorkspaceKey(stack, ana.workspace);
    await letsIn(key);
    await letsIn(key, { workspace: ana.workspace });
    const made = await script(stack, key).call('POST', '', { json: { phone_number: phone(), provider_type: 'webjs' } });
    assert.equal(made.status, 201, made.text);
    assert.equal((await stack.state(made.json.data.id)).account.created_by, ana.user);
  }));

  test('opens no other workspace, not even one of the same maker', () => on(async () => {
    const { user, workspace: own } = await logIn(stack);
    const key = await newWorkspaceKey(stack, own);
    const second = await newWorkspace(stack, user);
    await letsIn(key, {}, own);
    for (const workspace of [second, (await logIn(stack)).workspace, 2147483000, 'x']) {
      isForbidden(await ask(key, { workspace }));
    }
  }));

  test('is the very one: every letter counts, and nothing is added', () => on(async () => {
    const key = await newWorkspaceKey(stack, ana.workspace);
    const swapped = key.replace(/[a-z]/gi, (c) => (c < 'a' ? c.toLowerCase() : c.toUpperCase()));
    for (const wrong of [swapped, key.toLowerCase(), key.toUpperCase(), key.slice(1), key.slice(0, -1), `${key}x`, '',
      `1|${key}`, createHash('sha256').update(key).digest('hex'), key.replace(/^./, '_'), '%']) {
      await isKeptOut(wrong, 'bad_token');
    }
    await letsIn(key);
  }));

  test('that was deleted, or whose workspace or maker is gone, is none', () => on(async () => {
    await isKeptOut(await newWorkspaceKey(stack, ana.workspace, { deleted_at: utc(-5) }), 'bad_token');
    const other = await newUser(stack);
    const gone = await newWorkspace(stack, other, { deleted_at: utc(-5) });
    isForbidden(await ask(await newWorkspaceKey(stack, gone)));
    const user = await newUser(stack, { deleted_at: utc(-5) });
    isUnauthenticated(await ask(await newWorkspaceKey(stack, await newWorkspace(stack, user))));
  }));

  test('that is empty is none', () => on(async () => {
    await newWorkspaceKey(stack, ana.workspace, { token: '' });
    for (const wrong of ['', ' ']) isUnauthenticated(await ask(wrong));
  }));

  test('beside Sanctum\'s tokens takes nothing from them', () => on(async () => {
    await letsIn((await newToken(stack, ana.user)).text);
    await isKeptOut(`1|${random40()}`, 'bad_token');
  }));

  test('is not read from a table that is not there', async () => {
    const key = await newWorkspaceKey(stack, ana.workspace);
    await stack.sql('DROP TABLE workspace_api_keys');
    await on(() => isKeptOut(key, 'bad_token'));
    await makeKeyTable(stack);
  });
});

test('no token is in the log', async () => {
  const secrets = await stack.column('SELECT token FROM personal_access_tokens');
  assert.ok(secrets.length > 0);
  for (const secret of secrets) assert.ok(!stack.log().includes(secret));
  assert.doesNotMatch(stack.log(), /Bearer|\|[A-Za-z0-9]{40}/);
});
