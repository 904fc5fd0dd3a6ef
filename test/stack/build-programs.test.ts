import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { buildDirectory, buildPrograms, ProgramBuildError } from '../../local/stack/build-programs';
import { projectDirectory } from '../../local/stack/project-directory';
import { runProgram } from '../support/program';
import { scratchDirectory, type ScratchDirectory } from './fake-service';

const answerSchema = z.object({ directory: z.string(), reported: z.array(z.string()) });

/** The real compiler on programs that only say who they are. */
function smallProject(directory: string): string {
  const compiler = ['build-process', 'compile-programs', 'project-directory'];
  const kept = [
    ...compiler.map((name) => `local/stack/${name}.ts`),
    'src/worker/bundle-process.ts',
    'src/worker/bundle-workflows.ts',
    'tsconfig.json',
  ];
  for (const file of kept) {
    cpSync(path.join(projectDirectory, file), path.join(directory, file), { recursive: true });
  }
  for (const name of ['src/worker', 'src/api', 'emulator'])
    write(directory, `${name}/main.ts`, says(path.basename(name)));
  write(directory, 'src/workflows/index.ts', 'export async function wait(): Promise<void> {}');
  write(directory, 'src/providers/comfyui/graphs/graph.json', '{}');
  symlinkSync(path.join(projectDirectory, 'node_modules'), path.join(directory, 'node_modules'));
  return directory;
}

function write(directory: string, file: string, text: string): void {
  mkdirSync(path.dirname(path.join(directory, file)), { recursive: true });
  writeFileSync(path.join(directory, file), text);
}

function says(text: string): string {
  return `const text: string = '${text}'; process.stdout.write(text);`;
}

function run(build: string, name: string): string {
  return execFileSync(process.execPath, [path.join(build, name, 'main.js')], { encoding: 'utf8' });
}

describe('the build of the programs', () => {
  let scratch: ScratchDirectory;
  let project: string;
  const silent = (): void => undefined;

  beforeEach(() => {
    scratch = scratchDirectory();
    project = smallProject(path.join(scratch.path, 'project'));
  });
  afterEach(() => scratch[Symbol.dispose]());

  it('is made once by two processes that want it at the same time, and holds all that is run', async () => {
    const builders = [1, 2].map(() => runProgram('test/stack/build-programs-process.ts', [project], {}));

    expect(await Promise.all(builders.map((builder) => builder.ended()))).toEqual([0, 0]);

    const [one, other] = builders.map((builder) => answerSchema.parse(JSON.parse(builder.stdout())));
    expect(one?.directory).toBe(other?.directory);
    expect([...one!.reported, ...other!.reported].filter((line) => line.includes('done in'))).toHaveLength(1);
    for (const name of ['worker', 'api', 'emulator']) expect(run(one!.directory, name)).toBe(name);
    for (const file of ['workflow-bundle.js', 'worker/workflow-worker-thread.js', 'worker/graphs/graph.json'])
      expect(existsSync(path.join(one!.directory, file))).toBe(true);
  });

  it('is another one for other sources; that of a process that is gone is removed', async () => {
    const builder = runProgram('test/stack/build-programs-process.ts', [project], {});
    await builder.ended();
    const first = answerSchema.parse(JSON.parse(builder.stdout())).directory;
    write(project, 'src/worker/main.ts', says('the second worker'));

    const second = await buildPrograms(project, silent);

    expect(second).not.toBe(first);
    expect(run(second, 'worker')).toBe('the second worker');
    expect(readdirSync(path.dirname(second))).toEqual([path.basename(second)]);
    const reported: string[] = [];
    expect(await buildPrograms(project, (line) => reported.push(line))).toBe(second);
    expect(reported).toEqual([]);
  });

  it('stays as long as a process that asked for it lives, whatever is built after it', async () => {
    const first = await buildPrograms(project, silent);
    write(project, 'src/worker/main.ts', says('the second worker'));

    const builder = runProgram('test/stack/build-programs-process.ts', [project], {});
    expect(await builder.ended()).toBe(0);

    expect(run(first, 'worker')).toBe('worker');
  });

  it('names the file that cannot be compiled, and leaves nothing that could be taken for a build', async () => {
    write(project, 'src/worker/main.ts', 'const text: string = ;');
    const failed = buildPrograms(project, silent);

    await expect(failed).rejects.toThrow(ProgramBuildError);
    await expect(failed).rejects.toThrow(/src\/worker\/main\.ts:1:/);
    expect(existsSync(buildDirectory(project))).toBe(false);

    write(project, 'src/worker/main.ts', says('mended'));
    expect(run(await buildPrograms(project, silent), 'worker')).toBe('mended');
  });
});
