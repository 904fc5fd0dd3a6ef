import { suggestsMinor } from '../../src/registry';

/** One refused text a line, under headings that say how it is written. */
const refused: Readonly<Record<string, readonly string[]>> = {
  'an age after "of"': [
    'a girl of 12 at school',
    'woman of 17',
    'a woman of 15, freckles, short red hair',
    'woman of twelve',
    'a woman of sixteen at the pool',
    'a man of only seventeen',
    'person of 14',
    'girl of seven',
    'una chica de 15 en la playa',
    'ein Mädchen von 15 am Strand',
  ],
  'English words': [
    ...[
      'a teenager in a park',
      'teen model',
      'schoolgirl',
      'school girl outfit',
      'a young girl',
      'little boy',
    ],
    ...[
      'kid in the kitchen',
      'kids playing',
      'a child',
      'children',
      'newborn',
      'baby in a cradle',
      'toddler',
    ],
    ...[
      'she is a minor',
      'minors',
      'underage',
      'under-age model',
      'preteen',
      'pre-teen',
      'loli',
      'shota',
      'lolita',
    ],
    ...[
      'adolescent',
      'prepubescent body',
      'high school uniform',
      'middle schooler',
      'barely legal',
      'jailbait',
    ],
    ...[
      'kindergarten teacher with her class',
      'childlike face',
      'baby-faced woman',
      'a 7th grader',
      'sweet sixteen',
    ],
  ],
  'ages in digits': [
    ...[
      '17 yo',
      '17yo girl',
      '17 y/o',
      '17 y.o.',
      '17-year-old',
      '16 years old',
      'a 12 years old girl',
      '15yrs old',
    ],
    ...[
      'aged 15',
      ...['aged: - 15', 'aged-----15', 'age :::: about = 15', 'she is     only    15', 'a girl of ~~~~ 15'],
      'age: 14',
      'at the age of 13',
      'she is 16',
      "she's 15",
      'girl, 16',
      'woman (16)',
      'barely 17',
    ],
    ...[
      'turning 17, smiling',
      '16 years, blond',
      '16th birthday',
      'under 18',
      'under 18 girls',
      'not yet 18',
    ],
    ...['younger than 18', '8 months old', '(16f)', '1 7 year old', '07 years old', '١٦ years old', '１６歳'],
  ],
  'ages in words': [
    ...['sixteen year old', 'sixteen-year-old', 'seventeen years old', 'aged fifteen', "she's fifteen"],
    ...['under eighteen', 'fourteenth birthday'],
  ],
  'Spanish and Portuguese': [
    ...['niña desnuda', 'una chica de 15 años', 'catorce años', 'menor de edad', 'colegiala', 'adolescente'],
    ...['menina de 15 anos', 'criança', 'dezesseis anos', 'menor de idade'],
  ],
  French: [
    'fille de 14 ans',
    'quatorze ans',
    'dix-sept ans',
    'une mineure',
    'petite fille',
    'lycéenne',
    'enfant nue',
  ],
  'German and Dutch': [
    ...[
      '14-jährige',
      'vierzehn Jahre alt',
      'kleines Mädchen',
      'ein Kind',
      'Kinder',
      'minderjährig',
      'Schülerin',
    ],
    ...['meisje van 12 jaar', 'twaalf jaar', 'minderjarige', 'een kind', 'tiener'],
  ],
  Italian: ['ragazza di 14 anni', 'quattordici anni', 'minorenne', 'bambina', 'ragazzina'],
  Russian: [
    ...[
      'школьница',
      'девочка 14 лет',
      'четырнадцать лет',
      'четырнадцатилетняя',
      'ребёнок',
      'дети',
      'подросток',
    ],
    ...['несовершеннолетняя', '15 лет', 'тинейджер'],
  ],
  Chinese: ['14岁', '十四岁', '四岁', '少女', '未成年', '小女孩', '女 童', '高中生', '蘿莉'],
  Japanese: ['14歳', '十六歳', '15才', '女子高生', '少女', 'ロリ', '子供', '中学生'],
  Korean: ['14살', '열네 살', '열다섯살', '16세', '여고생', '미성년자', '소녀', '어린이'],
  'look-alike letters': [
    ...[
      'тееn',
      'ѕсhооlgіrl',
      'ｔｅｅｎ',
      'ⓣⓔⓔⓝ',
      '🅣🅔🅔🅝',
      '🇹🇪🇪🇳',
      'ᴛᴇᴇɴ',
      'сhіld',
      'τεεη',
      'kïd',
      'tèén',
      '𝓽𝓮𝓮𝓷',
    ],
  ],
  'letters for digits': [
    ...[
      '1З year old girl',
      'l5 years old',
      'I6yo',
      '1O-year-old',
      '1S y/o',
      '1Ч лет',
      '1б year old',
      '|7 years old',
    ],
    ...['a girl, l4', 'aged 1Ӡ', '1О years оld'],
  ],
  'digits and symbols for letters': [
    ...[
      't33n',
      'l0li',
      '1oli',
      'lo1i',
      'l*li',
      'ch1ld',
      'chi1d',
      'ch*ld',
      't**n',
      'm1nors',
      'sch00lg1rl',
      'prete€n',
    ],
    ...['und3r@ge', 'k!d', '$choolgirl'],
  ],
  'letters pulled apart': [
    ...[
      't e e n',
      't.e.e.n',
      't-e-e-n',
      't_e_e_n',
      'te en',
      't-een',
      'ch ild',
      's c h o o l g i r l',
      'sch ool girl',
    ],
    ...['te\u200ben', 'te\u00aden', 'l o l i t a', 'u n d e r a g e', 'm.i.n.o.r.s'],
  ],
  'letters drawn out': ['teeeeen', 'looooli', 'schoooolgirl', 'kiiiid'],
  pictures: ['🧒 on a bed', '👧', '🧒🏽'],
  'the years before eighteen': [
    ...['younger than her 18th birthday', 'before her eighteenth birthday', 'not 18 yet', "she isn't 18"],
    ...[
      'almost 18',
      'hasn’t turned 18',
      '18 next month',
      'u18',
      'U-17',
      'sub-18',
      '<18',
      '< 18 years',
      'under-18',
    ],
    ...['under 18s', 'born in 2012', 'born on 3 May 2010', 'née en 2011', '2009年生まれ', 'родилась в 2012'],
  ],
  'ages beside a person': [
    ...[
      'femboy 15',
      'femboy 15 on a bed',
      'girl 15 nude',
      'a 15 girl',
      'schoolmate, a gal, 17',
      'XVI years old',
    ],
    ...['xiv years old', 'mujer, 15', 'fille 15', 'девушка 15', '女生15', '여자 16'],
  ],
  'slang and misspellings': [
    ...['babygirl', 'baby girl', 'DD/lg little', 'DDLG', 'ABDL', 'cunny', 'toddlercon', 'ageplay'],
    ...[
      'teenn',
      'tteen',
      'tennager',
      'teanager',
      'schoolgurl',
      'skoolgirl',
      'skool gurls',
      'nude ki d',
      'k id',
    ],
  ],
  'keycaps, rings and marks': ['1️⃣6️⃣ years old', '1️⃣ 6️⃣ y/o', 't⃝e⃝e⃝n⃝', 't\ufe0fee\ufe0fn'],
  'digits of any script': ['१५ years old', '១៥ years old', '᠑᠕ years old', '𑁧𑁫 years old', '𝟏𝟓 years old'],
  'Scandinavian and Finnish': [
    ...[
      'pige 15 år',
      'jente 16 år',
      'flicka, 14',
      'en 15-årig pige',
      'femten år',
      'skolepige',
      'tyttö 15 vuotias',
    ],
  ],
  'Indonesian, Vietnamese and Filipino': [
    ...['gadis 15 tahun', 'usia 15', 'cô bé 15 tuổi', 'cô bé', 'enam belas tahun', 'babae 15', 'dalagita'],
  ],
  Turkish: ['küçük kız', 'kız 15 yaşında', 'lise öğrencisi', 'KÜÇÜK KIZ'],
  Greek: ['κοριτσάκι', 'κορίτσι 15 ετών', 'ανήλικη', 'έφηβη'],
  Hebrew: ['ילדה', 'בת 15', 'נערה', 'קטינה'],
  'Arabic and Persian': ['فتاة عمرها 15', 'فتاة عمرها ١٥', 'بنت 16 سنة', 'دختر ۱۵ ساله', 'فتاة صغيرة'],
  'Hindi, Bengali and Thai': ['लड़की 15 साल', 'लड़की १५ साल', 'उम्र 14', '১৫ বছর', 'สาว 15 ปี', 'นักเรียนหญิง'],
  'school in other languages': [
    'estudante do ensino médio',
    'JK制服',
    '校服',
    'siswi SMA',
    'юная',
    'юную модель',
  ],
};

const allowed: readonly string[] = [
  ...['a woman in her 20s', 'a 1s exposure of a woman', '2O years old', 'iPhone 5s', 'a 4b pencil'],
  ...[
    '18 year old woman',
    '18yo',
    'eighteen years old',
    'nineteen year old',
    'woman, 21 years',
    'aged 32',
    '25yo model',
  ],
  ...[
    'twenty-five-year-old woman',
    'twenty five years old',
    'thirty one years old',
    '115 years old',
    'over 18',
    '18+',
  ],
  ...['a hundred and five years old lady', 'her 30th birthday', 'a woman in her 30s', 'she is 27, smiling'],
  ...[
    '20 ans',
    'vingt-cinq ans',
    'trente ans',
    '25 Jahre alt',
    'fünfundzwanzig Jahre',
    'treinta y cinco años',
  ],
  ...[
    'veintidós años',
    'ventidue anni',
    '25 лет',
    'двадцать пять лет',
    '25歳',
    '二十四岁',
    '十八岁',
    '25살',
    '스물다섯 살',
  ],
  ...['kid leather jacket', 'kid gloves', 'baby blue dress', 'baby doll lingerie', "baby's breath flowers"],
  ...[
    'young woman',
    'girl next door',
    'nineteen',
    'canteen',
    'thirteen candles',
    'sixteen columns',
    'velveteen sofa',
  ],
  ...[
    'minor key piano',
    'minor scratches on the wall',
    'kind smile',
    'kinds of flowers',
    'kidney',
    'in fantasy armor',
  ],
  ...[
    'f/16 aperture',
    'high heels on, f16',
    '16mm film',
    '85mm lens, f/1.4',
    '1920x1080',
    '8k, ultra detailed',
    'in 4k',
  ],
  ...[
    '15 minutes',
    'under 10 minutes',
    'married for 10 years',
    '17th century castle',
    'at 17:00',
    'size 8 dress',
  ],
  ...[
    'she is 5 feet tall',
    '10 out of 10',
    '12 megapixels',
    'iPhone 15, natural light',
    'elegant 40 year old with 3 tattoos',
  ],
  ...[
    'medium shot a woman',
    'two men in a bar',
    'thunder agent',
    'under agency lights',
    'a little one-shoulder dress',
  ],
  ...[
    "a woman in child's pose",
    'gamine haircut',
    'Nina in Paris',
    'sheer black lingerie',
    'schoolteacher',
    'petite',
    '(beautiful woman:1.3), (window:0.9)',
    '1girl, solo, 8k',
    'girl:1.1',
  ],
  ...[
    '칼로리',
    '아이폰',
    '아기자기한 방',
    'mature lady',
    'youthful skin',
    'dilated pupils',
    'a room of 16 square meters',
  ],
  ...[
    'a woman on a 12 year old sofa',
    '12 year old whisky',
    'a glass of 16-year-old single malt scotch',
    'a 15 year old car in a garage',
    'her twelve year old dog next to her',
    'twenty-one',
    'twenty-one years old',
  ],
  ...[
    'born in 1999',
    'a woman born in 2008',
    'after her 18th birthday',
    'xxv years old',
    'sub-8k detail',
    '<lora:detail:1>',
  ],
  ...[
    'a woman of 30 years',
    'a woman of 28, freckles, short red hair',
    'a girl of two worlds',
    'woman of 5 feet 9',
    'woman of 12% body fat',
    'a man of 1 million',
    'a woman of twenty five',
    'femme de 25 ans',
    'girl with 12 roses',
    'a girl 10 meters away',
    'girl 16:9',
    'baby blue dress',
    'not 18 roses but one',
    'tahun 2024',
    'mujer, 25',
    'gadis 25 tahun',
    'kvinde 30 år',
    'פסל בן 25',
    'लड़की 25 साल',
    'فتاة عمرها 25',
    'девушка 25',
    'a barn in Norway',
  ],
];

it.each(['boy', 'girl', 'cat girl', 'dog walker', 'house maid', 'tree nymph', 'car model'])(
  'a %s of 12 is no thing of that age',
  (who) => {
    expect(suggestsMinor(`a 12 year old ${who} in a room`)).toBe(true);
  },
);

describe.each(Object.entries(refused))('suggestsMinor in %s', (_heading, texts) => {
  it.each(texts)('sees a minor in "%s"', (text) => {
    expect(suggestsMinor(text)).toBe(true);
    expect(suggestsMinor(`masterpiece, ${text}, window light`)).toBe(true);
  });
});

describe('suggestsMinor', () => {
  it.each(allowed)('lets "%s" pass', (text) => {
    expect(suggestsMinor(text)).toBe(false);
    expect(suggestsMinor(`masterpiece, ${text}, window light`)).toBe(false);
  });

  it('does not depend on case', () => {
    expect(suggestsMinor('SCHOOLGIRL')).toBe(true);
    expect(suggestsMinor('ШКОЛЬНИЦА')).toBe(true);
  });

  it.each([
    'a beautiful woman at a window '.repeat(130),
    '1 '.repeat(2000),
    'a.'.repeat(2000),
    'aaaaaaaa'.repeat(500),
    'under '.repeat(660),
    'she is about only just '.repeat(170),
    `t${'e'.repeat(3999)}`,
    't*'.repeat(2000),
    'born 20 '.repeat(500),
    '٣'.repeat(4000),
    // Short, so that a pattern that reads a run of separators in many ways ends at all.
    ...['aged ', 'age', 'a girl of ', 'she is ', 'not ', 'under '].flatMap((start) =>
      [':', '=', '~', '-', ' ', "'", ': ', 'a:', 'of ~'].map((unit) => `${start}${unit.repeat(300)}!`),
    ),
  ])('is quick with 4000 characters, whatever they are', (text) => {
    const start = process.cpuUsage();
    suggestsMinor(text);
    const { user } = process.cpuUsage(start);
    expect(user / 1000).toBeLessThan(500);
  });
});
