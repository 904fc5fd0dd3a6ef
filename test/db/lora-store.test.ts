import { createCharacterStore, createLoraStore, type LoraSettings, type LoraStore } from '../../src/db';
import { openTestDatabase, type TestDatabase } from './test-database';

let database: TestDatabase;
let loras: LoraStore;

beforeAll(async () => {
  database = await openTestDatabase();
  loras = createLoraStore(database.db);
}, 90_000);

afterAll(() => database.close());

const ava = { caller: 'default', characterId: 'ava' };

beforeEach(async () => {
  await database.db.deleteFrom('characters').execute();
  await createCharacterStore(database.db).put({ caller: 'default', id: 'ava', name: null });
});

function lora(id: string, fields: Partial<LoraSettings> = {}): LoraSettings {
  return {
    caller: 'default',
    characterId: 'ava',
    id,
    baseModel: 'flux',
    triggerWord: 'avaperson',
    status: 'ready',
    defaultStrength: 1,
    ...fields,
  };
}

async function defaults(): Promise<string[]> {
  return (await loras.list(ava)).filter((item) => item.isDefault).map((item) => item.id);
}

describe('the LoRAs of a character', () => {
  it('can be put, replaced and removed', async () => {
    const first = await loras.put(lora('one', { status: 'training' }));
    const second = await loras.put(lora('one', { defaultStrength: 0.8 }));

    expect([first?.created, second?.created]).toEqual([true, false]);
    expect(await loras.get(ava, 'one')).toEqual(second?.lora);
    expect(second?.lora).toMatchObject({ status: 'ready', defaultStrength: 0.8 });
    expect([await loras.remove(ava, 'one'), await loras.remove(ava, 'one')]).toEqual([true, false]);
    expect(await loras.get(ava, 'one')).toBeUndefined();
  });

  it('cannot be put for a character that does not exist', async () => {
    expect(await loras.put(lora('one', { characterId: 'nobody' }))).toBeUndefined();
  });

  it('have the first one as default, until another takes over', async () => {
    await loras.put(lora('one'));
    await loras.put(lora('two'));
    expect(await defaults()).toEqual(['one']);

    await loras.put(lora('two', { isDefault: true }));
    await loras.put(lora('two'));
    expect(await defaults()).toEqual(['two']);
  });

  it.each(['training', 'failed'] as const)('have no default while the only one is %s', async (status) => {
    await loras.put(lora('one', { status }));

    expect(await defaults()).toEqual([]);
  });

  it('have as default the first that becomes ready', async () => {
    await loras.put(lora('one', { status: 'training' }));
    await loras.put(lora('two', { status: 'training' }));

    await loras.put(lora('two'));
    await loras.put(lora('one'));

    expect(await defaults()).toEqual(['two']);
  });

  it('have a ready one take over from a default that is not', async () => {
    await loras.put(lora('one', { status: 'training', isDefault: true }));
    expect(await defaults()).toEqual(['one']);

    await loras.put(lora('two', { status: 'training' }));
    expect(await defaults()).toEqual(['one']);

    await loras.put(lora('two'));
    expect(await defaults()).toEqual(['two']);
  });

  it('keep their default while it is trained anew', async () => {
    await loras.put(lora('one'));
    await loras.put(lora('one', { status: 'training' }));

    expect(await defaults()).toEqual(['one']);
  });

  it('have no default when the caller says so', async () => {
    await loras.put(lora('one', { isDefault: false }));

    expect(await defaults()).toEqual([]);
  });

  it('keep one default at most when many claim it at once', async () => {
    const ids = ['a', 'b', 'c', 'd', 'e'];
    await Promise.all(ids.map((id) => loras.put(lora(id, { isDefault: true }))));

    expect(await defaults()).toHaveLength(1);
  });
});
