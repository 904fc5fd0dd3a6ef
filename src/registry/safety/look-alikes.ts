/** Letters of other scripts, and drawn variants, that pass for a Latin letter. Keys are lower case. */
const groups: Readonly<Record<string, string>> = {
  a: 'аαɑᴀ',
  b: 'вьβʙᏏ',
  c: 'сϲᴄ',
  d: 'ԁɗđᴅժ',
  e: 'еєεəɘᴇҽ',
  f: 'ғꜰƒ',
  g: 'ɡɢց',
  h: 'нһнʜհ',
  i: 'іιıɪіі¡ӏɩ',
  j: 'јʝᴊ',
  k: 'кκᴋ',
  l: 'ӏłʟⅼℓ',
  m: 'мᴍ',
  n: 'пηɴոռ',
  o: 'оοøσᴏօ०౦',
  p: 'рρᴘ',
  q: 'ԛ',
  r: 'гʀɾ',
  s: 'ѕꜱʂ',
  t: 'тτᴛŧ',
  u: 'υᴜսц',
  v: 'νѵᴠ',
  w: 'ԝωᴡш',
  x: 'хχ',
  y: 'уγʏү',
  z: 'ᴢʐ',
};

const latinOf: ReadonlyMap<string, string> = new Map(
  Object.entries(groups).flatMap(([latin, likes]) => Array.from(likes, (like) => [like, latin] as const)),
);

/** First code points of boxed and circled alphabets that compatibility normalisation leaves alone. */
const drawnAlphabets = [0x1f150, 0x1f170, 0x1f1e6];

/** The text as it looks to someone who reads Latin letters. Expects lower case. */
export function readAsLatin(text: string): string {
  return Array.from(text, (character) => latinOf.get(character) ?? drawnLetter(character) ?? character).join(
    '',
  );
}

function drawnLetter(character: string): string | undefined {
  const code = character.codePointAt(0) ?? 0;
  const start = drawnAlphabets.find((first) => code >= first && code < first + 26);
  return start === undefined ? undefined : String.fromCharCode(97 + code - start);
}
