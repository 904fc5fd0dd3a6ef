import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createGenerationStore } from '../../src/db';
import { generationState, picture, slotState } from '../db/states';
import { pythonWith } from '../support/python-environment';
import { openTestApi, type TestApi } from './test-api';

/** Requests made up for each route and phase; `npm run check-openapi -- 100` makes more. */
const usualExamples = 10;

const checks = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_headers_conformance',
  'response_schema_conformance',
  'unsupported_method',
];

/**
 * `npm run check-openapi`: schemathesis sends what the document allows and what it does not, over a real database. No answer
 * may be a 5xx, or of a status or shape that the document does not have. Temporal is a stand-in.
 */
async function main(): Promise<number> {
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  const python = await pythonWith(path.join(__dirname, 'requirements-openapi.txt'), say);
  const api = await openTestApi();
  try {
    await fill(api);
    return await run(python, [
      ...['-m', 'schemathesis.cli', 'run', `${api.baseUrl}/openapi.json`, '--url', api.baseUrl],
      ...['--seed', '1', '--max-examples', process.argv[2] ?? String(usualExamples)],
      ...[
        '--phases',
        process.argv[3] ?? 'examples,coverage,fuzzing',
        '--max-time',
        process.argv[4] ?? '600',
        '--checks',
        checks.join(','),
        '--workers',
        '2',
      ],
      // Paths are made up, so most are of nothing there is; that is no failing of the document.
      ...['--warnings', 'off', '--suppress-health-check', 'all'],
    ]);
  } finally {
    await api.close();
  }
}

/** Something of each kind, for answers that are no 404. */
async function fill(api: TestApi): Promise<void> {
  await api.send({ method: 'PUT', url: '/v1/characters/mia', payload: { name: 'Mia' } });
  await api.send({
    method: 'PUT',
    url: '/v1/characters/mia/loras/demo',
    payload: { baseModel: 'flux', triggerWord: 'miawoman' },
  });
  await api.upload();
  const slot = slotState({ status: 'completed', asset: picture('a') });
  await createGenerationStore(api.database.db).saveState(
    generationState({ status: 'completed', slots: [slot] }),
  );
}

async function run(file: string, parameters: string[]): Promise<number> {
  const child = spawn(file, parameters, { stdio: 'inherit' });
  const [code] = (await once(child, 'exit')) as [number | null];
  return code ?? 1;
}

void main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exit(1);
  },
);
