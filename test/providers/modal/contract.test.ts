import { runJob } from '../../../src/providers/run-job';
import { testCall } from '../support/call';
import { resetEmulated, startEmulated, type Emulated } from '../support/emulated';
import { modelJob, modelsOf, pictureNote } from '../support/model-job';
import { modalWireBodies, type Notes } from './wire-bodies';

let emulated: Emulated;
let notes: Notes;

beforeAll(async () => {
  emulated = await startEmulated();
  const first = await pictureNote(0);
  notes = { first, second: await pictureNote(1), bare: { ...first, mediaType: undefined } };
});

afterEach(async () => {
  await resetEmulated(emulated);
});

afterAll(async () => {
  await emulated.close();
});

describe('every Modal endpoint of the registry', () => {
  it('has a wire body to be checked against', () => {
    expect(Object.keys(modalWireBodies).sort()).toEqual(
      modelsOf('modal')
        .map(([path]) => path)
        .sort(),
    );
  });

  it.each(modelsOf('modal'))(
    '%s is sent its own field names, once, and its media is stored',
    async (path, model) => {
      const call = testCall();
      const result = await runJob(emulated.modal, await modelJob(model, call.media), call.context);
      const { entries, rejections } = emulated.journal.read();
      expect(rejections).toEqual([]);
      expect(entries).toMatchObject([
        { endpoint: path, app: model.app, outcome: 'succeeded', responseDelivered: true, seed: 7 },
      ]);
      const body = modalWireBodies[path]?.(notes);
      expect(entries[0]?.body).toEqual(body);
      const { width, height } =
        body?.['width'] === undefined ? (entries[0] ?? {}) : { width: 256, height: 320 };
      expect(result.assets).toMatchObject([{ mediaType: model.mediaType, width, height }]);
      if (model.mediaKind === 'video') expect(result.assets[0].frames).toBeGreaterThan(1);
    },
  );
});
