import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { reportTables } from '../../proof/chaos/report-tables';
import { runChaos, type PolicyReport } from '../../proof/chaos/run/run-chaos';

/** Every flow, one kill of each process, a cut connection and an outage; the long run is `npm run chaos`. */
const short = { plainModal: false, images: 26, kills: 3, seed: 3, timeScale: 0.02, minutes: 4 };

describe('a short chaos run', () => {
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'ryla-generation-chaos-'));
  });
  afterAll(async () => {
    await rm(directory, { recursive: true, force: true });
  });

  it('loses nothing, pays nothing twice, and leaves no doubt', async () => {
    const lines: string[] = [];
    const report = (line: string): void => void lines.push(line);
    const reports = await runChaos({ ...short, policies: ['resubmit', 'hold'], directory, report });

    expect(reports.map(describeRun).join('')).toBe('');
    expect(reports.map(({ kills }) => kills)).toEqual([
      { worker: 1, api: 1, temporal: 1 },
      { worker: 1, api: 1, temporal: 1 },
    ]);
    expect(reports.map(({ findings }) => findings.images.failed['outcome_unknown'])).toEqual([
      undefined,
      undefined,
    ]);
  }, 420_000);
});

/** Nothing for a run that proved what it should, else all of its tables. */
function describeRun(report: PolicyReport): string {
  return report.failures.length === 0 ? '' : reportTables(report);
}
