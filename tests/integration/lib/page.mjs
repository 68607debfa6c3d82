// page: a root template and a manifest for the pool, and what a browser reads out of the HTML that it makes of them.
//
//   const page = makePage();
//   const stack = await startStack({ env: page.env });
//   const { object, token } = shellOf(await ana.call('GET', '', { headers: NAVIGATES }));

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { makeDirectory } from './processes.mjs';

/** What a browser sends when somebody types the address, and what Inertia's client sends with each visit. */
export const NAVIGATES = { Accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8' };
export const visits = (version, headers) => ({ Accept: 'text/html, application/xhtml+xml',
  'X-Requested-With': 'XMLHttpRequest', 'X-Inertia': 'true',
  ...(version === undefined ? {} : { 'X-Inertia-Version': version }), ...headers });

export const TEMPLATE = `<!DOCTYPE html>
<html lang="en">
<head>
    <meta charset="utf-8">
    <meta name="csrf-token" content="{{ csrf_token }}">
    <meta name="broadcaster" content="{{ broadcaster }}">
    <title>{{ app_name }}</title>
    {{ vite }}
</head>
<body>
    {{ inertia }}
</body>
</html>
`;

export const MANIFEST = {
  '_vendor.js': { file: 'assets/vendor-B7PI925R.js', css: ['assets/vendor-ChJ_j-JJ.css'] },
  'src/main.js': { file: 'assets/main-BRBmoGS9.js', src: 'src/main.js', isEntry: true, imports: ['_vendor.js'],
    css: ['assets/main-5UjPuW-k.css'] },
};

/** Both files in a folder of their own, and the settings that name them; `write` writes other ones. */
export function makePage() {
  const dir = makeDirectory('wa-page-');
  const page = {
    dir,
    template: `${dir}/app.html`,
    manifest: `${dir}/manifest.json`,
    write({ template = TEMPLATE, manifest = MANIFEST } = {}) {
      writeFileSync(page.template, template);
      writeFileSync(page.manifest, typeof manifest === 'string' ? manifest : JSON.stringify(manifest));
    },
  };
  page.write();
  page.env = { WA_PAGE_TEMPLATE: page.template, WA_PAGE_MANIFEST: page.manifest };
  return page;
}

const characters = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': '\'' };

/** As a browser reads text between tags, or in an attribute. */
export const unescape = (html) => html.replace(/&(amp|lt|gt|quot|#39);/g, (all, name) => characters[name]);

const isHtml = ({ headers }) => headers['content-type'] === 'text/html; charset=UTF-8';

/** 200 with the page: its page object, and the texts that TEMPLATE has places for. */
export function shellOf(answer) {
  assert.equal(answer.status, 200, answer.text);
  assert.ok(isHtml(answer), answer.headers['content-type']);
  assert.equal(Number(answer.headers['content-length']), Buffer.byteLength(answer.text));
  assert.doesNotMatch(answer.text.replace(/ data-page="[^"]*"/, ''), /\{\{|<style|\sstyle=|\son\w+=|javascript:/);
  const found = answer.text.match(new RegExp(['content="([^"]*)">\\s*<meta name="broadcaster" content="([^"]*)">\\s*',
    '<title>([^<]*)</title>\\s*([^]*?)\\s*</head>\\s*<body>\\s*<div id="app" data-page="([^"<>]*)"></div>\\s*</body>',
  ].join('')));
  assert.ok(found, answer.text);
  const [token, broadcaster, title, tags, object] = found.slice(1);
  return { token: unescape(token), broadcaster: unescape(broadcaster), title: unescape(title), tags,
    object: JSON.parse(unescape(object)) };
}

/** A refusal that a person reads: the status, this sentence, and nothing of our inside. */
export function isRefusedInHtml(answer, status, message) {
  assert.equal(answer.status, status, answer.text);
  assert.ok(isHtml(answer), answer.headers['content-type']);
  const words = answer.text.replace(/<title>[^<]*<\/title>/, '').replace(/<[^>]*>/g, ' ').trim().split(/\s+/).join(' ');
  assert.equal(unescape(words), `${status} ${message}`);
  assert.doesNotMatch(answer.text, /<style|<script|\sstyle=/);
}
