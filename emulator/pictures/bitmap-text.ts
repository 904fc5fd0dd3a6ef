/**
 * Text as SVG path data, so that pictures are readable on machines and containers without a single font.
 * The face is the 5x7 dot matrix of character displays; each glyph is five columns, lowest bit on top.
 */

const firstCode = 32;
const glyphColumns = [
  '0000000000 00005f0000 0007000700 147f147f14 242a7f2a12 2313086462 3649562050 0008070300',
  '001c224100 0041221c00 2a1c7f1c2a 08083e0808 0080703000 0808080808 0000606000 2010080402',
  '3e5149453e 00427f4000 7249494946 2141494d33 1814127f10 2745454539 3c4a494931 4121110907',
  '3649494936 464949291e 0000140000 0040340000 0008142241 1414141414 0041221408 0201590906',
  '3e415d594e 7c1211127c 7f49494936 3e41414122 7f4141413e 7f49494941 7f09090901 3e41415173',
  '7f0808087f 00417f4100 2040413f01 7f08142241 7f40404040 7f021c027f 7f0408107f 3e4141413e',
  '7f09090906 3e4151215e 7f09192946 2649494932 03017f0103 3f4040403f 1f2040201f 3f4038403f',
  '6314081463 0304780403 6159494d43 007f414141 0204081020 004141417f 0402010204 4040404040',
  '0003070800 2054547840 7f28444438 3844444428 384444287f 3854545418 00087e0902 18a4a49c78',
  '7f08040478 00447d4000 2040403d00 7f10284400 00417f4000 7c04780478 7c08040478 3844444438',
  'fc18242418 18242418fc 7c08040408 4854545424 04043f4424 3c4040207c 1c2040201c 3c4030403c',
  '4428102844 4c9090907c 4464544c44 0008364100 0000770000 0041360800 0201020402 2a552a552a',
]
  .join(' ')
  .split(' ');

/** Width of one character including the gap after it, in units of `dot`. */
export const advanceDots = 6;
/** Height of one line including descenders and the gap below it, in units of `dot`. */
export const lineDots = 10;

/** SVG path data of one line of text; `dot` is the side of one dot in pixels, `x`/`y` the top left corner. */
export function textPath(text: string, x: number, y: number, dot: number): string {
  return Array.from(drawable(text), (character, index) =>
    glyphPath(character, x + index * advanceDots * dot, y, dot),
  ).join('');
}

/** Breaks text into at most `maximumLines` lines of `columns` characters; a cut text ends in `...`. */
export function wrapText(text: string, columns: number, maximumLines: number): string[] {
  const lines: string[] = [];
  let rest = drawable(text).replace(/\s+/g, ' ').trim();
  while (rest.length > columns && lines.length < maximumLines - 1) {
    const space = rest.lastIndexOf(' ', columns);
    const end = space > columns / 2 ? space : columns;
    lines.push(rest.slice(0, end));
    rest = rest.slice(end).trimStart();
  }
  lines.push(rest.length > columns ? `${rest.slice(0, Math.max(columns - 3, 0))}...` : rest);
  return lines;
}

/** Letters lose their accents; whatever the face does not have becomes a chequered box. */
function drawable(text: string): string {
  return text
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/\s/g, ' ')
    .replace(/\p{Pd}/gu, '-')
    .replace(/[\u2018\u2019]/g, "'")
    .replace(/[\u201c\u201d]/g, '"')
    .replace(/[^\x20-\x7e]/gu, '\x7f');
}

function glyphPath(character: string, x: number, y: number, dot: number): string {
  const columns = glyphColumns[character.charCodeAt(0) - firstCode] ?? '';
  let path = '';
  for (let column = 0; column < 5; column += 1) {
    const bits = Number.parseInt(columns.slice(column * 2, column * 2 + 2), 16);
    path += columnPath(bits, x + column * dot, y, dot);
  }
  return path;
}

/** One rectangle per run of dots: far fewer path commands than one per dot. */
function columnPath(bits: number, x: number, y: number, dot: number): string {
  let path = '';
  let row = 0;
  while (row < 8) {
    const start = row;
    while (((bits >> row) & 1) === 1) row += 1;
    if (row > start) path += `M${x} ${y + start * dot}h${dot}v${(row - start) * dot}h${-dot}z`;
    row += 1;
  }
  return path;
}
