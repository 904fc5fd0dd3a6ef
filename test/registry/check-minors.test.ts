import { baseImages, everythingOn, lora, plan, profilePictures, refusalOf, studio } from './fixtures';

const switchedOff = { ...everythingOn, nsfwEnabled: false };
const minor = { code: 'minor_suggested' };

const flows = [
  ['studio', (prompt: string) => studio({ prompt })],
  ['base images', (prompt: string) => baseImages({ prompt })],
  ['profile pictures', (prompt: string) => profilePictures({ mode: 'fast', prompt })],
] as const;

describe.each(flows)('%s without the nsfw flag', (_flow, request) => {
  it('are refused for a prompt about a minor while NSFW is switched on', () => {
    expect(refusalOf(request('a schoolgirl in a park'))).toMatchObject([{ field: 'prompt', ...minor }]);
  });

  it.each(['a nude schoolgirl', 'n4k3d, girl, 16', 'голая девочка', '裸の少女', 'niña desnuda'])(
    'are refused for "%s" also while NSFW is switched off',
    (prompt) => {
      expect(refusalOf(request(prompt), switchedOff)).toMatchObject([{ field: 'prompt', ...minor }]);
    },
  );

  it('may show a child in a decent picture while NSFW is switched off', () => {
    expect(plan(request('a child on a swing'), switchedOff).slots).not.toHaveLength(0);
  });

  it.each(['nude girl', 'a topless girl on a bed', 'two boys, sexy', 'g1rl, n4k3d', '裸の女の子'])(
    'are refused for "%s", which leaves the age open',
    (prompt) => {
      const [issue] = refusalOf(request(prompt), switchedOff);
      expect(issue).toMatchObject({ field: 'prompt' });
      expect(['age_unclear', 'minor_suggested']).toContain(issue?.code);
    },
  );

  it.each(['a girl with a kite', 'her girlfriend in a bar', 'the boys of the band'])(
    'may show "%s" where nothing is sexual',
    (prompt) => {
      expect(plan(request(prompt), switchedOff).slots).not.toHaveLength(0);
    },
  );

  it.each([
    'a nude woman on a bed',
    'naked man',
    'N S F W',
    'porn',
    'femme toute nue',
    'голая женщина',
    '全裸',
  ])('are refused for "%s", which must be declared', (prompt) => {
    for (const context of [everythingOn, switchedOff])
      expect(refusalOf(request(prompt), context)).toMatchObject([
        { field: 'prompt', code: 'nsfw_undeclared' },
      ]);
  });

  it.each([
    'nude lipstick',
    'nude high heels',
    'stars seen with the naked eye',
    'sexy red dress',
    'a bikini',
    'a cockpit',
  ])('may show "%s" undeclared', (prompt) => {
    expect(plan(request(prompt), switchedOff).slots).not.toHaveLength(0);
  });

  it.each([everythingOn, switchedOff])('may show adults, whatever is switched on', (context) => {
    for (const prompt of ['a woman of 30, red hair', 'a topless man of 40']) {
      expect(plan(request(prompt), context).slots).not.toHaveLength(0);
    }
  });
});

it('a trigger word and a prompt are refused that suggest a minor only together', () => {
  const split = studio({ prompt: 'year old woman, nude', useLora: true }, lora({ triggerWord: '15' }));

  expect(refusalOf(split)).toMatchObject([minor, minor]);
});

describe('a trigger word that suggests a minor', () => {
  const order = (prompt: string) => studio({ prompt, useLora: true }, lora({ triggerWord: 'sch00lgirl' }));

  it('is refused without the nsfw flag while NSFW is switched on', () => {
    expect(refusalOf(order('a portrait'))).toMatchObject([{ field: 'loraId', ...minor }]);
  });

  it('is refused beside a sexual prompt while NSFW is switched off, and only then', () => {
    expect(refusalOf(order('nude portrait'), switchedOff)).toMatchObject([{ field: 'loraId', ...minor }]);
    expect(plan(order('a portrait'), switchedOff).slots).toHaveLength(1);
  });

  it('makes a prompt about a minor refused when the trigger word is the sexual one', () => {
    const request = studio({ prompt: 'a child', useLora: true }, lora({ triggerWord: 'nude' }));
    expect(refusalOf(request, switchedOff)).toMatchObject([{ field: 'prompt', ...minor }]);
  });
});

describe('a negative prompt', () => {
  it('may name minors and nudity in every flow, as it says what must not be there', () => {
    const negativePrompt = 'child, nude';
    expect(plan(studio({ prompt: 'a woman', negativePrompt })).slots).toHaveLength(1);
    expect(plan(baseImages({ negativePrompt })).slots).toHaveLength(6);
    expect(plan(profilePictures({ mode: 'fast', negativePrompt })).slots).not.toHaveLength(0);
  });
});

it('an NSFW request may not leave the age open, and may say what it shows', () => {
  expect(refusalOf(studio({ nsfw: true, prompt: 'a girl in a bar' }))).toMatchObject([
    { code: 'age_unclear' },
  ]);
  expect(plan(studio({ nsfw: true, prompt: 'a nude woman of 30' })).slots).toHaveLength(1);
});
