import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { linesOf, scratchDirectory, type ScratchDirectory } from './fake-service';

const checkout = path.resolve(__dirname, '..', '..');

interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
}

describe('scripts/bootstrap.mjs', () => {
  let scratch: ScratchDirectory;
  let npmLog: string;

  /** A checkout with nothing installed and an npm that takes half a second. */
  beforeEach(() => {
    scratch = scratchDirectory();
    npmLog = path.join(scratch.path, 'npm.log');
    for (const folder of ['scripts', 'local/stack'])
      mkdirSync(path.join(scratch.path, folder), { recursive: true });
    for (const file of ['scripts/bootstrap.mjs', 'scripts/take-lock.mjs']) {
      copyFileSync(path.join(checkout, file), path.join(scratch.path, file));
    }
    write('package-lock.json', '{"lockfileVersion":3}');
    write('local/stack/ensure-temporal-cli.ts', 'process.stderr.write("temporal is there\\n");');
    write(
      'local/start.ts',
      'console.log(JSON.stringify({ args: process.argv.slice(2), cwd: process.cwd() }));',
    );
    write(
      'npm-cli.js',
      `const fs = require('node:fs');
       fs.appendFileSync(${JSON.stringify(npmLog)}, process.argv.slice(2).join(' ') + '\\n');
       if (fs.existsSync('npm-fails')) process.exit(1);
       setTimeout(() => {
         fs.mkdirSync('node_modules/jest/bin', { recursive: true });
         fs.writeFileSync('node_modules/jest/bin/jest.js', fs.readFileSync('fake-jest.js'));
         fs.symlinkSync(${JSON.stringify(path.join(checkout, 'node_modules/tsx'))}, 'node_modules/tsx');
       }, 500);`,
    );
    write('fake-jest.js', '');
  });
  afterEach(() => scratch[Symbol.dispose]());

  function write(file: string, text: string): void {
    writeFileSync(path.join(scratch.path, file), text);
  }

  function launch(args: readonly string[], nodeArgs: readonly string[] = []): ChildProcess {
    return spawn(process.execPath, [...nodeArgs, path.join(scratch.path, 'scripts/bootstrap.mjs'), ...args], {
      cwd: '/',
      env: { PATH: process.env['PATH'], npm_execpath: path.join(scratch.path, 'npm-cli.js') },
    });
  }

  async function run(args: readonly string[], nodeArgs: readonly string[] = []): Promise<Outcome> {
    const child = launch(args, nodeArgs);
    let [stdout, stderr] = ['', ''];
    child.stdout?.on('data', (chunk) => (stdout += String(chunk)));
    child.stderr?.on('data', (chunk) => (stderr += String(chunk)));
    await once(child, 'close');
    return { code: child.exitCode, stdout, stderr };
  }

  it('installs what the lockfile says, then runs the command with its options where it was called', async () => {
    const { code, stdout, stderr } = await run(['start', '--port-base', '9900']);

    expect(code).toBe(0);
    expect(linesOf(npmLog)).toEqual(['ci --include=dev --no-audit --no-fund']);
    expect(stderr).toContain('setup: installing dependencies');
    expect(JSON.parse(stdout)).toEqual({ args: ['--port-base', '9900'], cwd: '/' });
  });

  it('installs again only when the lockfile has changed', async () => {
    await run(['install']);
    await run(['install']);
    expect(linesOf(npmLog)).toHaveLength(1);

    rmSync(path.join(scratch.path, 'node_modules'), { recursive: true });
    write('package-lock.json', '{"lockfileVersion":3,"name":"changed"}');
    await run(['install']);
    expect(linesOf(npmLog)).toHaveLength(2);
  });

  it('leaves alone what was installed by hand', async () => {
    mkdirSync(path.join(scratch.path, 'node_modules'));
    write('node_modules/.package-lock.json', '{}');

    expect(await run(['install'])).toMatchObject({ code: 0 });
    expect(existsSync(npmLog)).toBe(false);
  });

  it('installs once when two start at the same time', async () => {
    const outcomes = await Promise.all([run(['start']), run(['start'])]);

    expect(outcomes.map(({ code }) => code)).toEqual([0, 0]);
    expect(linesOf(npmLog)).toHaveLength(1);
    expect(
      outcomes.filter(({ stderr }) => stderr.includes('is already installing the dependencies')),
    ).toHaveLength(1);
  });

  it('takes over from an installation that was killed', async () => {
    mkdirSync(path.join(scratch.path, 'data'));
    write('data/bootstrap.lock', '999999999');

    expect(await run(['install'])).toMatchObject({ code: 0 });
    expect(linesOf(npmLog)).toHaveLength(1);
  });

  it('says that the installation failed, ends with 1, and tries again the next time', async () => {
    write('npm-fails', '');
    const { code, stderr } = await run(['start']);
    expect(code).toBe(1);
    expect(stderr).toContain('npm ci failed with exit code 1');

    rmSync(path.join(scratch.path, 'npm-fails'));
    expect(await run(['start'])).toMatchObject({ code: 0 });
  });

  it('ends with the exit code of the command', async () => {
    write('local/start.ts', 'process.exit(7);');

    expect(await run(['start'])).toMatchObject({ code: 7 });
  });

  it('passes signals on and waits for the command to end by itself', async () => {
    write(
      'local/start.ts',
      `process.on('SIGTERM', () => { console.log('draining'); process.exit(5); });
       console.log('up'); setInterval(() => {}, 1000);`,
    );
    const child = launch(['start']);
    const output: string[] = [];
    child.stdout?.on('data', (chunk) => output.push(String(chunk).trim()));
    await once(child.stdout ?? child, 'data');

    child.kill('SIGTERM');
    await once(child, 'close');

    expect(output).toEqual(['up', 'draining']);
    expect(child.exitCode).toBe(5);
  });

  it('stops the command, once, when npm is killed and leaves it behind', async () => {
    write(
      'local/start.ts',
      `process.on('SIGTERM', () => { console.log('told to stop'); setTimeout(() => process.exit(), 2500); });
       console.log('up'); setInterval(() => {}, 1000);`,
    );
    const bootstrap = path.join(scratch.path, 'scripts/bootstrap.mjs');
    const npm = spawn(
      process.execPath,
      [
        '-e',
        `require('node:child_process').spawn(process.execPath, ['${bootstrap}', 'start'], { stdio: 'inherit' })`,
      ],
      {
        stdio: ['ignore', 'pipe', 'ignore'],
        env: {
          PATH: process.env['PATH'],
          npm_execpath: path.join(scratch.path, 'npm-cli.js'),
          npm_lifecycle_event: 'start',
        },
      },
    );
    const output: string[] = [];
    npm.stdout.on('data', (chunk) => output.push(String(chunk).trim()));
    await once(npm.stdout, 'data');

    npm.kill('SIGKILL');
    await once(npm.stdout, 'end');

    expect(output).toEqual(['up', 'told to stop']);
  });

  it('names the Node version it needs', async () => {
    const old = path.join(scratch.path, 'old-node.cjs');
    writeFileSync(old, "Object.defineProperty(process.versions, 'node', { value: '18.20.4' });");

    const { code, stderr } = await run(['start'], ['--require', old]);

    expect(code).toBe(1);
    expect(stderr).toContain('Node 20.19 or newer is needed');
  });

  it('lists its commands when it is given an unknown one', async () => {
    const { code, stderr } = await run(['deploy']);

    expect(code).toBe(1);
    expect(stderr).toContain('<start|demo|bench|chaos|keys|set-current-version|test|install>');
  });

  it('ends the tests with their counts, a file that does not load being one failure', async () => {
    const results = '{"numPassedTests":12,"numFailedTests":1,"numRuntimeErrorTestSuites":1}';
    write(
      'fake-jest.js',
      `const file = process.argv.find((arg) => arg.startsWith('--outputFile=')).slice('--outputFile='.length);
       require('node:fs').writeFileSync(file, '${results}');
       console.log(process.argv.at(-1)); process.exit(1);`,
    );

    const { code, stdout, stderr } = await run(['test', 'test/api']);

    expect(code).toBe(1);
    expect(stdout).toBe('12 passed, 2 failed\n');
    expect(stderr).toContain('test/api');
    expect(stderr).toContain('temporal is there');
  });

  it('counts a test run without results as a failure', async () => {
    expect(await run(['test'])).toMatchObject({ code: 1, stdout: '0 passed, 1 failed\n' });
    expect(await run(['test', '--help'])).toMatchObject({ code: 0, stdout: '' });
  });
});

const lockfileSchema = z.object({
  packages: z.record(
    z.string(),
    z.object({ optionalDependencies: z.record(z.string(), z.string()).default({}) }),
  ),
});

it('the lockfile holds the builds of every platform (else run scripts/complete-lockfile.mjs): npm ci refuses it otherwise', () => {
  const { packages } = lockfileSchema.parse(
    JSON.parse(readFileSync(path.join(checkout, 'package-lock.json'), 'utf8')),
  );
  const wanted = Object.values(packages).flatMap(({ optionalDependencies }) =>
    Object.keys(optionalDependencies),
  );
  const present = new Set(Object.keys(packages).map((key) => key.split('node_modules/').at(-1)));

  expect(wanted.filter((name) => !present.has(name))).toEqual([]);
});
