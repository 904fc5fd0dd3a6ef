import { createCharacterStore, type CharacterStore } from '../../src/db';
import { openTestDatabase, type TestDatabase } from './test-database';

let database: TestDatabase;
let characters: CharacterStore;

beforeAll(async () => {
  database = await openTestDatabase();
  characters = createCharacterStore(database.db);
}, 90_000);

afterAll(() => database.close());

describe('characters', () => {
  it('tells a new character from a renamed one', async () => {
    const first = await characters.put({ id: 'ava', name: 'Ava' });
    const second = await characters.put({ id: 'ava', name: null });

    expect([first.created, second.created]).toEqual([true, false]);
    expect(second.character).toMatchObject({ id: 'ava', name: null, createdAt: first.character.createdAt });
    expect(await characters.get('ava')).toEqual(second.character);
  });

  it('knows no character that was never put', async () => {
    expect(await characters.get('nobody')).toBeUndefined();
  });

  it('lists by id, page after page', async () => {
    for (const id of ['dora', 'bea', 'cleo']) await characters.put({ id, name: null });

    const page = await characters.list({ limit: 2, afterId: 'ava' });
    const next = await characters.list({ limit: 2, afterId: page.at(-1)?.id });

    expect([page, next].map((items) => items.map(({ id }) => id))).toEqual([['bea', 'cleo'], ['dora']]);
  });
});
