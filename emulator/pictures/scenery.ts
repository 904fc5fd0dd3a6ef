import { fraction } from './fingerprint';

const shapes = 12;

/**
 * Large light and dark shapes whose places follow from `fingerprint`, as SVG. Two real pictures differ in where it is
 * light and where dark; without them our drawings would all be taken for one picture by whoever compares.
 *
 * @param opacity 0-1; below 1 what lies behind shines through.
 */
export function scenery(
  { width, height, fingerprint }: { width: number; height: number; fingerprint: string },
  opacity: number,
): string {
  return Array.from({ length: shapes }, (_, index) => {
    const draw = (trait: string): number => fraction(fingerprint, 'scenery', index, trait);
    const [x, y] = [Math.round(draw('x') * width), Math.round(draw('y') * height)];
    const radius = (trait: string, side: number): number => Math.round((0.12 + draw(trait) * 0.22) * side);
    const colour = `hsl(${Math.floor(draw('hue') * 360)},35%,${index % 2 === 0 ? 12 : 90}%)`;
    return (
      `<ellipse cx="${x}" cy="${y}" rx="${radius('rx', width)}" ry="${radius('ry', height)}" ` +
      `fill="${colour}" fill-opacity="${opacity}"/>`
    );
  }).join('');
}
