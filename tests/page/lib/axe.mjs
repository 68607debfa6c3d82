// axe: what axe-core finds wrong for people who do not see well, or use a keyboard.

import assert from 'node:assert/strict';
import { packageOf } from '../../integration/lib/packages.mjs';

const { source } = await packageOf('axe-core');

const where = ({ target, failureSummary }) =>
  `  ${target.join(' ')}\n    ${failureSummary.replace(/\n\s*/g, '\n    ')}`;
const told = ({ id, help, nodes }) => `${id}: ${help}\n${nodes.slice(0, 5).map(where).join('\n')}`;

/** No serious and no critical fault in what is shown; `rules`: only these are looked at; `without`: not at these. */
export async function isAccessible(page, what, { rules, without } = {}) {
  /* Not as a script of the page: its policy forbids that. */
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(source);
  const violations = await page.evaluate(async ({ only, exclude }) => {
    const context = { include: [['html']], exclude: exclude ? [[exclude]] : [] };
    const options = { resultTypes: ['violations'], ...(only && { runOnly: only }) };
    return (await window.axe.run(context, options)).violations;
  }, { only: rules, exclude: without });
  const wrong = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
  assert.equal(wrong.length, 0, `${what}: ${wrong.map(told).join('\n')}`);
}
