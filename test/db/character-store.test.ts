import { createCharacterStore, type CharacterStore } from '../../src/db';
import { openTestDatabase, type TestDatabase } from './test-database';

const caller = 'default';
let database: TestDatabase;
let characters: CharacterStore;

beforeAll(async () => {
  database = await openTestDatabase();
  characters = createCharacterStore(database.db);
}, 90_000);

afterAll(() => database.close());

describe('characters', () => {
  it('tells a new character from a renamed one', async () => {
    const first = await characters.put({ caller, id: 'ava', name: 'Ava' });
    const second = await characters.put({ caller, id: 'ava', name: null });

    expect([first.created, second.created]).toEqual([true, false]);
    expect(second.character).toMatchObject({ id: 'ava', name: null, createdAt: first.character.createdAt });
    expect(await characters.get(caller, 'ava')).toEqual(second.character);
  });

  it('knows no character that was never put', async () => {
    expect(await characters.get(caller, 'nobody')).toBeUndefined();
  });

  it('lists by id, page after page', async () => {
    for (const id of ['dora', 'bea', 'cleo']) await characters.put({ caller, id, name: null });

    const page = await characters.list({ caller, limit: 2, afterId: 'ava' });
    const next = await characters.list({ caller, limit: 2, afterId: page.at(-1)?.id });

    expect([page, next].map((items) => items.map(({ id }) => id))).toEqual([['bea', 'cleo'], ['dora']]);
  });

  it('are of one caller each: two may have one of the same id', async () => {
    await characters.put({ caller: 'app-one', id: 'mia', name: 'One' });
    const second = await characters.put({ caller: 'app-two', id: 'mia', name: 'Two' });

    expect(second.created).toBe(true);
    expect(await characters.get('app-one', 'mia')).toMatchObject({ name: 'One' });
    expect(await characters.list({ caller: 'app-two', limit: 9 })).toEqual([second.character]);
  });
});
