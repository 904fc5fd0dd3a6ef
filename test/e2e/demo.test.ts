import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { projectDirectory } from '../../src/stack/project-directory';

interface DemoDocument {
  ok: boolean;
  elapsedSeconds: number;
  contactSheets: string[];
  flows: { flow: string; runs: { name: string; status: string; temporalUi: string; slots: DemoSlot[] }[] }[];
}
interface DemoSlot {
  provider: string;
  identity: string;
  assetUrl: string;
  attempts: { provider: string; outcome: string }[];
}

describe('npm run demo', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'ryla-generation-demo-'));
  });
  afterEach(async () => {
    await rm(directory, { recursive: true, force: true });
  });

  it('makes pictures in all three flows through a Modal outage, and shows them', async () => {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--import', 'tsx', 'src/stack/demo.ts', '--json', '--data-dir', directory],
      { cwd: projectDirectory, maxBuffer: 10_000_000 },
    );
    const demo = JSON.parse(stdout) as DemoDocument;

    expect(demo.ok).toBe(true);
    expect(demo.flows.map(({ flow, runs }) => [flow, runs.length])).toEqual([
      ['base-images', 1],
      ['profile-pictures', 1],
      ['studio', 6],
    ]);
    expect(demo.flows.flatMap(({ runs }) => runs).every(({ status }) => status === 'completed')).toBe(true);
    const [base, profile] = demo.flows.map(({ runs }) => runs.flatMap(({ slots }) => slots));
    const movedToFal = base?.filter(
      ({ attempts }) => attempts[0]?.provider === 'modal' && attempts.length > 1,
    );
    expect(movedToFal?.every(({ provider }) => provider === 'fal')).toBe(true);
    expect(movedToFal).not.toHaveLength(0);
    expect(profile?.every(({ identity }) => identity === 'reference')).toBe(true);
    for (const sheet of demo.contactSheets) {
      const { width } = await sharp(await readFile(sheet)).metadata();
      expect(width).toBeGreaterThan(500);
    }
  }, 180_000);
});
