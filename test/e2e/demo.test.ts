import { readFile } from 'node:fs/promises';
import sharp from 'sharp';
import { readStackFile } from '../../local/stack/stack-file';
import { scratchDirectory } from '../stack/fake-service';
import { runProgram } from '../support/program';

interface DemoDocument {
  ok: boolean;
  elapsedSeconds: number;
  contactSheets: string[];
  flows: { flow: string; runs: { name: string; status: string; temporalUi: string; slots: DemoSlot[] }[] }[];
}
interface DemoSlot {
  provider: string;
  endpoint: string;
  identity: string;
  mediaType: string;
  assetUrl: string;
  attempts: { provider: string; outcome: string }[];
}

describe('npm run demo', () => {
  it('makes pictures in all three flows through a Modal outage, shows them, and with --keep stays', async () => {
    using directory = scratchDirectory();
    const run = runProgram('local/demo.ts', ['--json', '--keep', '--data-dir', directory.path], {});
    await run.until('Ctrl-C stops it');
    const demo = JSON.parse(run.stdout()) as DemoDocument;

    expect(demo.ok).toBe(true);
    expect(demo.elapsedSeconds).toBeLessThan(90);
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
    expect(studioPictures(demo)).toEqual([
      ['creating with LoRA', '/flux-dev-lora', 'image/jpeg'],
      ['creating with reference', '/sdxl-instantid', 'image/jpeg'],
      ['variations', '/qwen-image-edit-2511', 'image/jpeg'],
      ['editing', '/qwen-image-edit-2511', 'image/jpeg'],
      ['upscaling', '/seedvr2', 'image/png'],
      ['video', '/wan2.6', 'image/webp'],
    ]);
    for (const sheet of demo.contactSheets) {
      const { width } = await sharp(await readFile(sheet)).metadata();
      expect(width).toBeGreaterThan(500);
    }

    const { api } = readStackFile(directory.path)!;
    const { assetUrl } = demo.flows[0]!.runs[0]!.slots[0]!;
    expect((await fetch(new URL(assetUrl, api))).status).toBe(200);
    expect(await run.interrupt()).toBe(0);
    expect(readStackFile(directory.path)).toBeUndefined();
  }, 180_000);

  it('ends with exit code 1 and the reason when a step is not as promised', async () => {
    using directory = scratchDirectory();
    const run = runProgram('local/demo.ts', ['--json', '--data-dir', directory.path], {
      DAILY_LIMIT_USD: '0.01',
    });

    expect(await run.ended()).toBe(1);
    const document = JSON.parse(run.stdout()) as { ok: boolean; error: string };
    expect(document.ok).toBe(false);
    expect(document.error).toMatch(/^The start of base-images was answered with 402: /);
    expect(run.stderr()).toContain(`The demo failed: ${document.error}`);
    expect(readStackFile(directory.path)).toBeUndefined();
  }, 120_000);
});

/** Name, endpoint and media type of every studio picture. */
function studioPictures({ flows }: DemoDocument): string[][] {
  const runs = flows.find(({ flow }) => flow === 'studio')?.runs ?? [];
  return runs.flatMap(({ name, slots }) =>
    slots.map(({ endpoint, mediaType }) => [name, endpoint, mediaType]),
  );
}
