import { chmod, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { registerSearchAttributes } from '../../local/stack/temporal-server';
import { cacheDirectory } from '../../local/stack/cache-directory';
import { runCommand } from '../../local/stack/run-command';
import { withFileLock } from '../../local/stack/with-file-lock';
import { installQuietRuntime } from './quiet-runtime';

const version = '1.32.0';
const mavenMs = 300_000;

/**
 * A Temporal server on which a wait of hours takes moments: while a result is awaited and nothing runs, its clock jumps
 * to the next timer. Knows no lists and no schedules. The SDK downloads it; where Java and Maven are installed, those get
 * it without the SDK's download site.
 *
 * @throws Error when neither way works.
 */
export async function startTimeSkippingServer(): Promise<TestWorkflowEnvironment> {
  installQuietRuntime();
  const program = await programByMaven();
  const environment = await TestWorkflowEnvironment.createTimeSkipping(
    program === undefined ? {} : { server: { executable: { type: 'existing-path', path: program } } },
  );
  const { address, namespace = 'default' } = environment;
  await registerSearchAttributes({ address, namespace, connection: {} });
  return environment;
}

async function programByMaven(): Promise<string | undefined> {
  const home = path.join(cacheDirectory(process.env), `time-skipping-${version}`);
  const program = path.join(home, 'temporal-test-server');
  if (existsSync(program)) return program;
  const tools = await Promise.all([runCommand('java', ['-version']), runCommand('mvn', ['-version'])]);
  if (tools.some(({ ok }) => !ok)) return undefined;
  await mkdir(path.dirname(home), { recursive: true });
  return await withFileLock(`${home}.lock`, async () => {
    if (existsSync(program)) return program;
    return (await fetchInto(home)) ? program : undefined;
  });
}

/** Only ever puts a complete server in place. */
async function fetchInto(home: string): Promise<boolean> {
  const directory = await mkdtemp(`${home}-`);
  try {
    await writeFile(path.join(directory, 'pom.xml'), pom);
    const goal = ['dependency:copy-dependencies', '-DoutputDirectory=lib', '-DincludeScope=runtime'];
    const maven = await runCommand('mvn', ['-q', '-B', '-f', directory, ...goal], { timeoutMs: mavenMs });
    if (!maven.ok) return false;
    const program = path.join(directory, 'temporal-test-server');
    await writeFile(program, launcher);
    await chmod(program, 0o755);
    await rename(directory, home);
    return true;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

const pom = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>local</groupId><artifactId>time-skipping</artifactId><version>1</version>
  <dependencies>
    <dependency><groupId>io.temporal</groupId><artifactId>temporal-test-server</artifactId><version>${version}</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-nop</artifactId><version>2.0.16</version></dependency>
  </dependencies>
</project>
`;

const launcher = `#!/bin/sh
cd "$(dirname "$0")" || exit 1
exec java -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xshare:auto -Xmx512m -cp 'lib/*' io.temporal.testserver.TestServer "$@"
`;
