import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import sharp from 'sharp';
import { renderContactSheet } from '../../local/demo/contact-sheet';
import { requireCompleted, requireFailover, requireReference } from '../../local/demo/demo-checks';
import type { DemoClient, DemoGeneration, DemoSlot } from '../../local/demo/demo-client';
import { demoEnvironment } from '../../local/demo/demo-environment';
import { demoDocument, demoSummary } from '../../local/demo/demo-report';
import { createLineView } from '../../local/demo/progress-view';
import { watchGenerations } from '../../local/demo/watch-generations';
import { scratchDirectory } from './fake-service';

function slot(overrides: Partial<DemoSlot> = {}): DemoSlot {
  return {
    slot: 1,
    label: 'option 1',
    status: 'completed',
    provider: 'fal',
    endpoint: 'fal-ai/flux/dev',
    identity: 'none',
    attempts: [],
    costUsd: 0.025,
    assetUrl: '/v1/assets/a',
    mediaType: 'image/png',
    error: null,
    startedAt: '2026-01-01T00:00:00.000Z',
    finishedAt: '2026-01-01T00:00:02.500Z',
    ...overrides,
  };
}

function run(slots: DemoSlot[], status = 'completed'): { name: string; generation: DemoGeneration } {
  const links = { temporalUi: 'http://ui/run' };
  return {
    name: 'base image',
    generation: {
      id: 'g',
      flow: 'base-images',
      status,
      live: true,
      costUsd: 0.05,
      atRiskUsd: 0.02,
      slots,
      links,
    },
  };
}

const lostModal = {
  number: 1,
  provider: 'modal',
  endpoint: '/flux-dev',
  outcome: 'failed',
  seconds: 1,
  message: 'connection lost',
};

describe('the demo', () => {
  it('fails with the reason of the first slot that has no picture', () => {
    const failed = slot({
      slot: 2,
      status: 'failed',
      assetUrl: null,
      error: { code: 'outage', message: 'Fal is away' },
    });

    expect(() => requireCompleted([run([slot(), failed], 'partial')])).toThrow(
      'base image 2 ended as failed: Fal is away',
    );
    expect(() => requireCompleted([run([])])).toThrow('base image ended as completed');
    expect(() => requireCompleted([run([slot()])])).not.toThrow();
  });

  it('fails when no base image went from Modal to Fal', () => {
    expect(() => requireFailover([run([slot()])])).toThrow('no base image went from Modal to Fal');
    expect(() => requireFailover([run([slot({ attempts: [lostModal] })])])).not.toThrow();
  });

  it('fails when a profile picture has another face', () => {
    const flow = {
      name: 'profile-pictures',
      runs: [run([slot({ identity: 'reference' }), slot({ slot: 2 })])],
    } as const;

    expect(() => requireReference({ ...flow, runs: [...flow.runs] })).toThrow(
      'base image 2 was made with identity "none"',
    );
  });

  it('does not show a slot going backwards when a worker was too busy to answer', async () => {
    const ahead = run([slot({ status: 'running' })], 'running').generation;
    const stored = { ...run([slot({ status: 'pending' })], 'running').generation, live: false };
    const answers = [ahead, stored, run([slot()]).generation];
    const shown: string[] = [];
    const generation = (): Promise<DemoGeneration> => Promise.resolve(answers.shift() ?? ahead);

    await watchGenerations({
      client: { generation } as unknown as DemoClient,
      ids: ['g'],
      onUpdate: ([now]) => shown.push(now?.slots[0]?.status ?? 'none'),
      signal: new AbortController().signal,
    });

    expect(shown).toEqual(['running', 'running', 'completed']);
  });

  it('tells each change of a slot once, with the reason of a failed attempt', () => {
    const lines: string[] = [];
    const view = createLineView((line) => lines.push(line.trim()));
    const running = slot({ status: 'running', provider: 'modal', endpoint: '/flux-dev', finishedAt: null });
    const fallback = slot({ status: 'running', attempts: [lostModal], finishedAt: null });

    for (const now of [running, running, fallback]) view.update([{ name: 'base image 1', slot: now }]);

    expect(lines.map((line) => line.split('  attempt')[0])).toEqual([
      'base image 1: running  modal /flux-dev',
      'base image 1: modal /flux-dev failed: connection lost',
      'base image 1: running  fal fal-ai/flux/dev',
    ]);
    expect(lines[2]).toContain('attempt 2');
  });

  it('ends with a table, every link, the total cost and the time, and gives the same as data', () => {
    const report = {
      flows: [
        { name: 'base-images' as const, runs: [run([slot({ attempts: [lostModal] }), slot({ slot: 2 })])] },
      ],
      contactSheets: ['/data/base-images.png'],
      files: new Map([
        ['base image 1', '/data/pictures/base-image-1.png'],
        ['base image 2', '/data/pictures/base-image-2.png'],
      ]),
      elapsedSeconds: 31.24,
      kept: false,
    };

    const summary = demoSummary(report);

    for (const part of [
      'fal-ai/flux/dev',
      '2.5',
      'http://ui/run',
      '/data/base-images.png',
      'Pictures: 2 files in /data/pictures',
      'Total cost $0.0500, plus up to $0.0200 for calls whose outcome is not known, 31.2 s.',
    ]) {
      expect(summary).toContain(part);
    }
    expect(demoSummary(report, 80)).not.toContain('fal-ai/flux/dev');
    expect(demoSummary(report, 80)).toContain('identity');
    expect(demoDocument(report)).toMatchObject({
      ok: true,
      costUsd: 0.05,
      atRiskUsd: 0.02,
      flows: [
        {
          flow: 'base-images',
          runs: [
            {
              temporalUi: 'http://ui/run',
              slots: [{ seconds: 2.5, file: '/data/pictures/base-image-1.png' }, { slot: 2 }],
            },
          ],
        },
      ],
    });
  });

  it('never reaches real providers or a real database', () => {
    const { environment, ignored } = demoEnvironment({
      FAL_KEY: 'real',
      DATABASE_URL: 'postgres://prod',
      PATH: '/bin',
    });

    expect(environment).toMatchObject({ PROVIDERS: 'emulated', PATH: '/bin' });
    expect(environment['DATABASE_URL']).toBeUndefined();
    expect(ignored).toEqual(['DATABASE_URL']);
  });
});

describe('npm run demo', () => {
  it.each([[[]], [['--json']]])(
    'leaves a directory that is not its own untouched, and names no log when there is none: %j',
    async (options) => {
      using directory = scratchDirectory();
      writeFileSync(path.join(directory.path, 'thesis.doc'), 'x');
      const args = ['local/demo.ts', '--data-dir', directory.path, ...options];
      const child = spawn(process.execPath, ['--import', 'tsx', ...args], {
        cwd: path.resolve(__dirname, '..', '..'),
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      const closed = once(child, 'close');
      const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
      await closed;

      const reason = `${directory.path} is not empty and no data directory of this project`;
      expect(child.exitCode).toBe(1);
      expect(stderr).toContain(`The demo failed: ${reason}`);
      expect(stderr).not.toContain('logs');
      const document = JSON.stringify({ ok: false, error: `${reason}; choose another --data-dir.` }, null, 2);
      expect(stdout).toBe(options.length === 0 ? '' : `${document}\n`);
      expect(readdirSync(directory.path)).toEqual(['thesis.doc']);
    },
  );
});

describe('contact sheet', () => {
  const red = sharp({ create: { width: 64, height: 32, channels: 3, background: '#ff0000' } })
    .png()
    .toBuffer();

  it('is a PNG with the pictures in a grid and their captions, drawn without fonts', async () => {
    const picture = await red;
    const cells = Array.from({ length: 5 }, () => ({ picture, caption: ['slot', 'fal'] }));

    const sheet = await renderContactSheet('base-images', cells);
    const bare = await renderContactSheet(
      'base-images',
      cells.map(() => ({ picture, caption: [] })),
    );

    expect(await sharp(sheet).metadata()).toMatchObject({ format: 'png', width: 4 * 304 + 16 });
    expect(sheet.equals(bare)).toBe(false);
    const { dominant } = await sharp(
      await sharp(sheet).extract({ left: 20, top: 180, width: 200, height: 40 }).toBuffer(),
    ).stats();
    expect(dominant.r).toBeGreaterThan(200);
    expect(dominant.g).toBeLessThan(40);
  });

  it('refuses a file that cannot be decoded', async () => {
    const whole = await red;
    const cut = whole.subarray(0, whole.length - 30);

    await expect(renderContactSheet('x', [{ picture: cut, caption: [] }])).rejects.toThrow();
  });
});
