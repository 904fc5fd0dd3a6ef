import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { environmentSchema } from '../../src/config/environment';

const root = join(__dirname, '../..');
const compose = readFileSync(join(root, 'docker-compose.yml'), 'utf8');
const deployPage = readFileSync(join(root, 'docs/deploy.md'), 'utf8');

/** Names under the `environment` of the services that share one. */
function namesOf(text: string): string[] {
  return [...text.matchAll(/^ {4,6}([A-Z][A-Z0-9_]+): /gm)].map(([, name = '']) => name);
}

describe('the compose file', () => {
  it('hands on every variable that API and worker read', () => {
    const passed = new Set(namesOf(compose));

    expect(Object.keys(environmentSchema.shape).filter((name) => !passed.has(name))).toEqual([]);
  });

  it('hands on every variable by which docs/deploy.md connects real providers, Temporal and PostgreSQL', () => {
    const section = deployPage.slice(
      deployPage.indexOf('## Real providers'),
      deployPage.indexOf('All variables of worker'),
    );
    const named = new Set([...section.matchAll(/`([A-Z]+_[A-Z_]+)/g)].map(([, name = '']) => name));
    const passed = new Set(namesOf(compose));

    expect(named.size).toBeGreaterThan(10);
    expect([...named].filter((name) => !passed.has(name))).toEqual([]);
  });
});
