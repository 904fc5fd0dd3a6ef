import { PassThrough } from 'node:stream';
import { standbyArgument } from '../../src/domain/standby';
import { untilWanted } from '../../src/worker/until-wanted';

describe('a worker process', () => {
  it('begins at once unless it is started to stand by', async () => {
    await expect(untilWanted(['node', 'main.js'], new PassThrough())).resolves.toBe(true);
  });

  it('that stands by begins with a line of input', async () => {
    const input = new PassThrough();
    const wanted = untilWanted(['node', 'main.js', standbyArgument], input);
    input.write('begin\n');
    await expect(wanted).resolves.toBe(true);
    expect(input.destroyed).toBe(true);
  });

  it('that stands by is told when nobody is left who could want it', async () => {
    const input = new PassThrough();
    const wanted = untilWanted(['node', 'main.js', standbyArgument], input);
    input.end();
    await expect(wanted).resolves.toBe(false);
  });
});
