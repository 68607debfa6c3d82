// tokens: bearer tokens, in tables as Sanctum's and the application's migrations make them.

import { createHash } from 'node:crypto';
import { utc } from './fixtures.mjs';
import { PAGE, compose, insert, random40 } from './login.mjs';

/** Sanctum's table; before its version 3 it had no expires_at. */
export const makeTokenTable = (stack, { expiry = true } = {}) => stack.sql(`CREATE TABLE personal_access_tokens (
  id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
  tokenable_type varchar(255) NOT NULL,
  tokenable_id bigint unsigned NOT NULL,
  name varchar(255) NOT NULL,
  token varchar(64) NOT NULL,
  abilities text NULL,
  last_used_at timestamp NULL,
  ${expiry ? 'expires_at timestamp NULL,' : ''}
  created_at timestamp NULL,
  updated_at timestamp NULL,
  UNIQUE KEY personal_access_tokens_token_unique (token),
  KEY personal_access_tokens_tokenable_type_tokenable_id_index (tokenable_type, tokenable_id)
) DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_unicode_ci`);

export const makeKeyTable = (stack) => stack.sql(`CREATE TABLE workspace_api_keys (
  id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
  uuid char(50) NOT NULL,
  workspace_id bigint unsigned NOT NULL,
  token varchar(255) NOT NULL,
  created_at timestamp NULL,
  updated_at timestamp NULL,
  deleted_at timestamp NULL
) DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_unicode_ci`);

/** What Sanctum keeps of a token. */
export const digest = (secret) => createHash('sha256').update(secret).digest('hex');

/** A Sanctum token of a user: {id, secret, text}; `text` is what the customer has. */
export async function newToken(stack, user, { secret = random40(), ...columns } = {}) {
  const id = await insert(stack, 'personal_access_tokens', { tokenable_type: 'App\\Models\\User', tokenable_id: user,
    name: 'A test', token: digest(secret), abilities: '["*"]', created_at: utc(), updated_at: utc(), ...columns });
  return { id, secret, text: `${id}|${secret}` };
}

/** A key of a workspace, in clear. */
export async function newWorkspaceKey(stack, workspace, columns = {}) {
  const token = random40();
  await insert(stack, 'workspace_api_keys', { uuid: random40(), workspace_id: workspace, token, created_at: utc(),
    ...columns });
  return columns.token ?? token;
}

/** A customer's script: call(method, path, {json | form | body, headers, workspace, straight, params}). */
export const script = (stack, token) => ({
  call(method, path = '', { workspace, straight, params, ...options } = {}) {
    const request = compose({ ...options, method, headers: { Accept: 'application/json',
      Authorization: `Bearer ${token}`, ...(workspace === undefined ? {} : { 'X-Workspace-Id': String(workspace) }),
      ...options.headers } });
    return straight ? stack.fcgi(method, `${PAGE}${path}`, { ...request, params })
      : stack.call(method, `${PAGE}${path}`, request);
  },
});
