import { chmodSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { resolveTemporalCli } from '../../local/stack/temporal-cli';
import { linesOf, scratchDirectory, type ScratchDirectory } from './fake-service';

const good = 'echo "temporal version 1.5.1 (Server 1.29.1, UI 2.42.1)"';
const old = 'echo "temporal version 1.1.0 (Server 1.25.0, UI 2.30.0)"';
const broken = 'echo "cannot execute binary file" >&2; exit 126';

describe('finding a Temporal CLI', () => {
  let scratch: ScratchDirectory;
  let bin: string;
  let cached: string;
  let report: string[];

  beforeEach(() => {
    scratch = scratchDirectory();
    bin = path.join(scratch.path, 'bin');
    cached = path.join(scratch.path, 'cache', 'bin', 'temporal-1.5.1');
    report = [];
  });
  afterEach(() => scratch[Symbol.dispose]());

  function program(file: string, body: string): void {
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, `#!/bin/sh\n${body}\n`);
    chmodSync(file, 0o755);
  }

  /** Nothing of this machine is seen, and no download can succeed. */
  function resolve(): Promise<string> {
    const environment = {
      PATH: `${bin}:/usr/bin:/bin`,
      HOME: scratch.path,
      RYLA_CACHE_DIR: path.join(scratch.path, 'cache'),
      HTTPS_PROXY: 'http://127.0.0.1:1',
      HTTP_PROXY: 'http://127.0.0.1:1',
    };
    return resolveTemporalCli({ environment, report: (line) => report.push(line) });
  }

  function fakeGo(install: string): void {
    const log = path.join(scratch.path, 'go.log');
    const body = `if [ "$1" = version ]; then echo "go version go1.25.1"; exit 0; fi
      echo "$@" >> ${log}
      ${install}`;
    program(path.join(bin, 'go'), body);
  }

  const installGood = `printf '#!/bin/sh\\n%s\\n' '${good}' > "$GOBIN/temporal"; chmod +x "$GOBIN/temporal"`;

  it('takes the one on PATH before the one in the cache', async () => {
    program(path.join(bin, 'temporal'), good);
    program(cached, good);

    expect(await resolve()).toBe(path.join(bin, 'temporal'));
    expect(report).toEqual([`temporal: using ${path.join(bin, 'temporal')} from PATH (Server 1.29.1)`]);
  });

  it.each([
    ['does not run', broken, 'it does not run: --version ended with exit code 126'],
    ['is too old', old, 'it is too old: Server 1.25.0, needed is 1.29'],
    ['is another program', 'echo hello', 'it does not name its server version'],
  ])(
    'passes over one on PATH that %s, with the reason, and takes the cached one',
    async (_case, body, reason) => {
      program(path.join(bin, 'temporal'), body);
      program(cached, good);

      expect(await resolve()).toBe(cached);
      expect(report).toEqual([
        `temporal: ${path.join(bin, 'temporal')} on PATH is passed over: ${reason}`,
        'temporal: no usable "temporal" on PATH',
        `temporal: using ${cached} from the cache (Server 1.29.1)`,
      ]);
    },
  );

  it('builds one into the cache when the download fails, and finds it there the next time', async () => {
    fakeGo(installGood);

    expect(await resolve()).toBe(cached);
    expect(report.map((line) => line.split(/[:(,]/)[1]?.trim().split(' ').slice(0, 2).join(' '))).toEqual([
      ...['no usable', 'not in', 'downloading the', 'the download', 'building the', 'built in'],
    ]);
    expect(linesOf(path.join(scratch.path, 'go.log'))).toEqual([
      'install -v -ldflags=-s -w github.com/temporalio/cli/cmd/temporal@v1.5.1',
    ]);
    expect(await resolve()).toBe(cached);
    expect(linesOf(path.join(scratch.path, 'go.log'))).toHaveLength(1);
  });

  it('builds once when two ask at the same time', async () => {
    fakeGo(installGood);

    expect(await Promise.all([resolve(), resolve()])).toEqual([cached, cached]);
    expect(linesOf(path.join(scratch.path, 'go.log'))).toHaveLength(1);
  });

  it('leaves no half-made program behind when the build fails, and lists what helps', async () => {
    fakeGo(`${installGood}; echo "no space left on device" >&2; exit 1`);

    await expect(resolve()).rejects.toThrow(
      /install the Temporal CLI .*\n.*downloads.*\n.*Go 1\.25.*\n.*TEMPORAL_ADDRESS/,
    );
    expect(report.at(-1)).toMatch(
      /the build failed after \d+ s: no space left on device \(ended with exit code 1\)/,
    );
    expect(existsSync(cached)).toBe(false);
    expect(readdirSync(path.dirname(cached))).toEqual([]);
  });
});
