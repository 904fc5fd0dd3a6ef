import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { projectDirectory } from '../../local/stack/project-directory';
import { pythonWith } from '../support/python-environment';
import { describeNamedJobs, usdPerSecond, type NamedJobsApp } from './named-jobs.contract';

const packageDirectory = path.join(projectDirectory, 'modal');
const prompt = 'a red door';

describe('named jobs of the Python package, on a laptop', () => {
  describeNamedJobs(startLaptop, {
    works: { path: '/flux-dev', body: { prompt, seed: 5 } },
    slow: { path: '/flux-dev', body: { prompt, seed: 5, test_seconds: 2 } },
    refused: [
      { path: '/broken', body: { prompt } },
      { path: '/lora', body: { prompt, lora_id: 'nobody' } },
    ],
  });
});

/** The sample app of the package's own tests behind its gateway, as its users start it. */
async function startLaptop(): Promise<NamedJobsApp> {
  const python = await pythonWith(path.join(packageDirectory, 'requirements-dev.txt'), (line) => {
    process.stderr.write(`${line}\n`);
  });
  const data = await mkdtemp(path.join(tmpdir(), 'named-jobs-'));
  const modules = ['src', 'tests'].map((name) => path.join(packageDirectory, name));
  const gateway = spawn(
    python,
    [
      ...['-m', 'modal_named_jobs.laptop', '--app', 'sample_app:app', '--port', '0', '--data', data],
      ...['--usd-per-second', String(usdPerSecond)],
    ],
    {
      env: { ...process.env, PYTHONPATH: modules.join(path.delimiter), PYTHONDONTWRITEBYTECODE: '1' },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const exited = once(gateway, 'exit');
  const [line = ''] = (await Promise.race([
    once(createInterface(gateway.stdout), 'line'),
    exited,
  ])) as unknown[];
  const [, baseUrl] = /^named jobs ready on (http:\S+)$/.exec(String(line)) ?? [];
  if (baseUrl === undefined) throw new Error(`the gateway did not start: ${String(line)}`);
  return {
    baseUrl,
    close: async () => {
      gateway.kill('SIGTERM');
      await exited;
      // A runner outlives its gateway, and may write its last line while this removes the rest.
      await rm(data, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
    },
  };
}
