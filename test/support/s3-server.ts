import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { cacheDirectory } from '../../local/stack/cache-directory';
import { freePorts } from '../../local/stack/free-ports';
import { projectDirectory } from '../../local/stack/project-directory';
import { runCommand } from '../../local/stack/run-command';
import { withFileLock } from '../../local/stack/with-file-lock';
import { pythonWith } from './python-environment';
import { waitUntil } from './wait-until';

export interface S3Server {
  name: string;
  endpoint: string;
  /** Makes a bucket of that name. */
  createBucket(name: string): Promise<void>;
  close(): Promise<void>;
}

/** `moto` (the default) installs in less than a minute; `versitygw` is a production server, and takes minutes to build once. */
export type S3ServerName = 'moto' | 'versitygw';

export const s3Credentials = { accessKeyId: 'test-key', secretAccessKey: 'test-secret-of-some-length' };

const versitygwVersion = 'v1.8.0';
const buildTimeoutMs = 30 * 60_000;

/** Starts a real S3 server with an empty store. Credentials are put into this process's environment, as the SDK wants. */
export async function startS3Server(name: S3ServerName): Promise<S3Server> {
  const directory = await mkdtemp(path.join(tmpdir(), `ryla-${name}-`));
  const [port = 0] = await freePorts(1);
  const program = name === 'moto' ? await moto(port) : await versitygw(port, directory);
  const server = spawn(program.file, program.args, {
    stdio: 'ignore',
    env: {
      ...process.env,
      ROOT_ACCESS_KEY: s3Credentials.accessKeyId,
      ROOT_SECRET_KEY: s3Credentials.secretAccessKey,
    },
  });
  const endpoint = `http://127.0.0.1:${port}`;
  const exited = once(server, 'exit');
  await waitUntil(async () => await answers(endpoint));
  process.env['AWS_ACCESS_KEY_ID'] = s3Credentials.accessKeyId;
  process.env['AWS_SECRET_ACCESS_KEY'] = s3Credentials.secretAccessKey;
  return {
    name,
    endpoint,
    async createBucket(bucket) {
      const client = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true });
      await client.send(new CreateBucketCommand({ Bucket: bucket }));
      client.destroy();
    },
    async close() {
      server.kill();
      await exited;
      await rm(directory, { recursive: true, force: true });
    },
  };
}

interface Program {
  file: string;
  args: string[];
}

async function moto(port: number): Promise<Program> {
  const requirements = path.join(projectDirectory, 'test/support/s3-requirements.txt');
  const python = await pythonWith(requirements, report);
  return { file: python, args: ['-m', 'moto.server', '-H', '127.0.0.1', '-p', String(port)] };
}

async function versitygw(port: number, directory: string): Promise<Program> {
  const file = path.join(cacheDirectory(process.env), 'bin', `versitygw-${versitygwVersion}`);
  await mkdir(path.dirname(file), { recursive: true });
  await withFileLock(`${file}.lock`, async () => {
    if (!existsSync(file)) await buildVersitygw(file);
  });
  return { file, args: ['--port', `127.0.0.1:${port}`, 'posix', directory] };
}

async function buildVersitygw(target: string): Promise<void> {
  report(`versitygw: building ${versitygwVersion} with Go; this takes minutes, once per machine`);
  const directory = await mkdtemp(path.join(path.dirname(target), '.build-'));
  try {
    const { ok, output, problem } = await runCommand(
      'go',
      ['install', '-ldflags=-s -w', `github.com/versity/versitygw/cmd/versitygw@${versitygwVersion}`],
      { environment: { ...process.env, GOBIN: directory }, timeoutMs: buildTimeoutMs },
    );
    if (!ok) throw new Error(`versitygw cannot be built: go install ${problem}\n${output}`);
    await rename(path.join(directory, 'versitygw'), target);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function answers(endpoint: string): Promise<boolean> {
  return await fetch(endpoint).then(
    () => true,
    () => false,
  );
}

function report(line: string): void {
  process.stderr.write(`${line}\n`);
}
