import { suggestsSexual } from '../../src/registry/safety/suggests-sexual';

const sexual: readonly string[] = [
  ...[
    'nude',
    'naked woman',
    'topless',
    'NSFW',
    'erotic pose',
    'lingerie',
    'spread legs',
    'see-through dress',
  ],
  ...[
    'n u d e',
    'n.a.k.e.d',
    'nud3',
    'n4k3d',
    's3x',
    'p*rn',
    'nuuude',
    'ｎｕｄｅ',
    'nudе',
    'na ked',
    'nu\u200bde',
  ],
  ...[
    'desnuda',
    'seios',
    'seins nus',
    'nackt',
    'naakt',
    'senza vestiti',
    'naga',
    'çıplak',
    'telanjang',
    'khỏa thân',
  ],
  ...[
    'nøgen',
    'голая',
    'обнажённая',
    'оголена',
    '裸体',
    '全裸',
    'ヌード',
    '下着',
    '누드',
    '속옷',
    'عارية',
    'नग्न',
    'เปลือย',
  ],
  ...['γυμνή', 'עירום', '🔞'],
];

const modest: readonly string[] = [
  ...['a child on a swing', 'a red door', 'fully dressed', 'a sweater', 'a family in swimsuits at the beach'],
  ...['Sussex', 'Essex coast', 'a cockpit', 'cumulus clouds', 'an analogue clock', 'grass', 'a glass bottle'],
  ...['a classroom', 'title page', 'a peacock', 'a button', 'scrap metal', '子供と公園'],
];

describe('suggestsSexual', () => {
  it.each(sexual)('sees nudity or sex in "%s"', (text) => {
    expect(suggestsSexual(text)).toBe(true);
    expect(suggestsSexual(`masterpiece, ${text}, window light`)).toBe(true);
  });

  it.each(modest)('sees none in "%s"', (text) => {
    expect(suggestsSexual(text)).toBe(false);
  });
});
