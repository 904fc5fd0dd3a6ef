const orientationTag = 0x0112;
const shortType = 3;
const entryBytes = 12;

/** More than the first directory of any camera; it alone is read. */
export const exifHeadBytes = 65_536;

/**
 * What may stay of an EXIF block: how the picture is to be turned. Without it many photos would lie on their side.
 *
 * @param tiff the block without the `Exif` mark before it
 * @returns a block of its own, or `undefined` where the picture is to be shown as it is
 */
export function turnOnly(tiff: Buffer): Buffer | undefined {
  const orientation = orientationOf(tiff);
  if (orientation === undefined || orientation < 2 || orientation > 8) return undefined;
  const block = Buffer.alloc(26);
  block.write('II', 0, 'latin1');
  block.writeUInt16LE(42, 2);
  // The one directory follows at once, and has one entry.
  block.writeUInt32LE(8, 4);
  block.writeUInt16LE(1, 8);
  block.writeUInt16LE(orientationTag, 10);
  block.writeUInt16LE(shortType, 12);
  block.writeUInt32LE(1, 14);
  block.writeUInt16LE(orientation, 18);
  return block;
}

function orientationOf(tiff: Buffer): number | undefined {
  if (tiff.length < 8) return undefined;
  const order = tiff.toString('latin1', 0, 2);
  if (order !== 'II' && order !== 'MM') return undefined;
  const short = (at: number) => (order === 'II' ? tiff.readUInt16LE(at) : tiff.readUInt16BE(at));
  const directory = order === 'II' ? tiff.readUInt32LE(4) : tiff.readUInt32BE(4);
  if (directory + 2 > tiff.length) return undefined;
  const entries = short(directory);
  for (let index = 0; index < entries; index += 1) {
    const at = directory + 2 + index * entryBytes;
    if (at + entryBytes > tiff.length) return undefined;
    if (short(at) === orientationTag && short(at + 2) === shortType) return short(at + 8);
  }
  return undefined;
}
