// chromium: the browser that the page is tested in, and what must never happen in it.

import { packageOf } from '../../integration/lib/packages.mjs';
import { makeDirectory, removeDirectory } from '../../integration/lib/processes.mjs';

const { chromium } = await packageOf('playwright-core');

/** One browser for a test file: {newContext, close}. It writes nothing but below a directory of its own. */
export async function startChromium() {
  const home = makeDirectory('wa-chromium-');
  const browser = await chromium.launch({
    executablePath: process.env.WA_CHROMIUM || '/usr/bin/chromium',
    env: { ...process.env, HOME: home, XDG_CONFIG_HOME: home, XDG_CACHE_HOME: home },
    args: ['--disable-gpu', '--disable-quic', '--no-proxy-server', '--disable-background-networking',
      '--disable-component-update', '--disable-sync', '--no-first-run'],
  });
  return {
    newContext: (options) => browser.newContext(options),
    async close() {
      await browser.close();
      removeDirectory(home);
    },
  };
}

/* Before any script of the page: what the policy forbids is an error like every other. */
function tellViolations() {
  document.addEventListener('securitypolicyviolation', ({ effectiveDirective, blockedURI, sourceFile, lineNumber }) => {
    console.error(`Content-Security-Policy: ${effectiveDirective} forbids ${blockedURI}`, sourceFile, lineNumber);
  });
}

/**
 * What went wrong in a tab since it was opened: errors and warnings of the console, exceptions, violations of the
 * policy. `expects(pattern)` says which a test brings about itself.
 */
export async function watchFaults(tab) {
  const all = [];
  const patterns = [];
  tab.on('pageerror', (error) => all.push(`exception: ${error.stack ?? error}`));
  tab.on('crash', () => all.push('the tab crashed'));
  tab.on('console', (message) => {
    if (!['error', 'warning', 'assert'].includes(message.type())) return;
    all.push(`${message.type()}: ${message.text()} (${message.location().url})`);
  });
  await tab.addInitScript(tellViolations);
  return {
    expects: (...more) => patterns.push(...more),
    left: () => all.filter((fault) => !patterns.some((pattern) => pattern.test(fault))),
  };
}

/** Chromium reports each answer of 400 and more in the console. */
export const refused = (status) => new RegExp(`Failed to load resource: .*status of ${status}`);
/** And each WebSocket that was not to be had. */
export const noSocket = /WebSocket connection to/;
