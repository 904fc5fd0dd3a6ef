import { readFileSync } from 'node:fs';
import { rows } from '../../src/workflows/slot/rules/next';

it('stands in the documentation, row by row', () => {
  const [, part = ''] = readFileSync('docs/architecture.md', 'utf8').split('<!-- rows:');
  const items = [...part.replaceAll(/\s+/g, ' ').matchAll(/\d+\. \*\*(.+?)\*\*: (.+?)\. _(.+?)_/g)];
  const told = items.map(([, when, then, why]) => ({ when: when?.toLowerCase(), then, why }));

  expect(told).toEqual(rows.map(({ when, then, why }) => ({ when, then, why })));
});
