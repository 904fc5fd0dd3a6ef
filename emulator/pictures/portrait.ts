import { fraction } from './fingerprint';

const skins = ['#f6d3b8', '#eab68f', '#d49a6a', '#b5754a', '#8d5534', '#5f3a26'];
const hairs = ['#2b1d16', '#5a3a22', '#8a5a2b', '#c99a4b', '#a33b1f', '#7d7d86', '#3b2f5e', '#101820'];
const eyes = ['#3b6ea5', '#4f7f4a', '#6b4423', '#4a4f57'];
const clothes = ['#273c75', '#6d214f', '#1b7f5c', '#b33939', '#444466', '#d1802f'];

/**
 * A simple head and shoulders on a 100 x 100 canvas. The features follow from `identity` alone, the stance from
 * `fingerprint`: two pictures of one identity show the same person differently placed.
 */
export function portraitSvg(identity: string, fingerprint: string, step = 0): string {
  const pick = (trait: string, values: readonly string[]): string =>
    values[Math.floor(fraction(identity, trait) * values.length)] ?? '#888888';
  const skin = pick('skin', skins);
  const hair = pick('hair', hairs);
  const eye = pick('eyes', eyes);
  const width = 13 + fraction(identity, 'width') * 5;
  const tilt = (fraction(fingerprint, 'tilt') - 0.5) * 24 + step * 3;
  const shift = (fraction(fingerprint, 'shift') - 0.5) * 16 + step * 1.5;
  const body = `<path d="M18 100C20 72 36 66 50 66S80 72 82 100Z" fill="${pick('clothes', clothes)}"/>`;
  const neck = `<rect x="44" y="54" width="12" height="16" rx="5" fill="${skin}"/>`;
  const gap = 4.6 + fraction(identity, 'gap') * 2.4;
  const smile = 53 + fraction(identity, 'smile') * 4;
  return (
    `<g transform="translate(${round(shift)} 0)">${body}<g transform="rotate(${round(tilt)} 50 62)">` +
    hairBack(identity, hair, width) +
    neck +
    `<ellipse cx="50" cy="42" rx="${round(width)}" ry="19" fill="${skin}"/>` +
    eyePair(gap, eye) +
    `<path d="M50 43l-2 6h3" fill="none" stroke="#0003" stroke-width="1"/>` +
    `<path d="M44 52Q50 ${round(smile)} 56 52" fill="none" stroke="#a33b3b" stroke-width="1.6"/>` +
    hairFront(identity, hair, width) +
    '</g></g>'
  );
}

function eyePair(gap: number, colour: string): string {
  return [50 - gap - 1, 50 + gap + 1]
    .map(
      (x) =>
        `<ellipse cx="${round(x)}" cy="40" rx="3" ry="2" fill="#fff"/>` +
        `<circle cx="${round(x)}" cy="40" r="1.5" fill="${colour}"/>` +
        `<path d="M${round(x - 3)} 35.5h6" stroke="#0008" stroke-width="1.1"/>`,
    )
    .join('');
}

function hairBack(identity: string, colour: string, width: number): string {
  const length = 8 + fraction(identity, 'length') * 34;
  return (
    `<rect x="${round(50 - width - 3)}" y="24" width="${round(width * 2 + 6)}" ` +
    `height="${round(18 + length)}" rx="${round(width)}" fill="${colour}"/>`
  );
}

function hairFront(identity: string, colour: string, width: number): string {
  const fringe = round(27 + fraction(identity, 'fringe') * 6);
  const left = round(50 - width - 2);
  const right = round(50 + width + 2);
  const parting = round(38 + fraction(identity, 'parting') * 24);
  const crown = `M${left} 40Q${left} 17 50 17Q${right} 17 ${right} 40`;
  const edge = `Q${right} ${fringe} ${parting} ${fringe}Q${left} ${fringe} ${left} 40Z`;
  return `<path d="${crown}${edge}" fill="${colour}"/>`;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
