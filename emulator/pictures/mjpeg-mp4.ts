/** JPEG stills as an MP4 file (Motion JPEG track): a complete, decodable clip without any encoder. */
export function muxMotionJpeg(frames: readonly Buffer[], clip: Clip): Buffer {
  const header = box('ftyp', Buffer.from('isom'), u32(512), Buffer.from('isomiso2mp41'));
  const media = box('mdat', ...frames);
  const sizes = frames.map((frame) => frame.length);
  // mdat stands before moov, so the offset of the first frame is known without a second pass.
  return Buffer.concat([header, media, movie(sizes, header.length + 8, clip)]);
}

const timescale = 1000;

interface Clip {
  width: number;
  height: number;
  fps: number;
}

function movie(sizes: readonly number[], firstOffset: number, clip: Clip): Buffer {
  const frameDuration = Math.round(timescale / clip.fps);
  const duration = frameDuration * sizes.length;
  const samples = sampleTable(sizes, firstOffset, frameDuration, clip);
  const media = box('mdia', mediaHeader(duration), handler(), information(samples));
  return box('moov', movieHeader(duration), box('trak', trackHeader(duration, clip), media));
}

function movieHeader(duration: number): Buffer {
  const times = u32(0, 0, timescale, duration);
  const rateAndVolume = Buffer.concat([u32(0x00010000), u16(0x0100, 0), u32(0, 0)]);
  return fullBox('mvhd', 0, times, rateAndVolume, matrix(), u32(0, 0, 0, 0, 0, 0, 2));
}

function trackHeader(duration: number, { width, height }: Clip): Buffer {
  const enabledInMovieAndPreview = 7;
  const times = u32(0, 0, 1, 0, duration, 0, 0);
  return fullBox(
    'tkhd',
    enabledInMovieAndPreview,
    times,
    u16(0, 0, 0, 0),
    matrix(),
    u32(width << 16, height << 16),
  );
}

function mediaHeader(duration: number): Buffer {
  const undetermined = 0x55c4;
  return fullBox('mdhd', 0, u32(0, 0, timescale, duration), u16(undetermined, 0));
}

function handler(): Buffer {
  return fullBox('hdlr', 0, u32(0), Buffer.from('vide'), u32(0, 0, 0), Buffer.from('VideoHandler\0'));
}

function information(samples: Buffer): Buffer {
  const inThisFile = fullBox('url ', 1);
  const data = box('dinf', fullBox('dref', 0, u32(1), inThisFile));
  return box('minf', fullBox('vmhd', 1, u16(0, 0, 0, 0)), data, samples);
}

function sampleTable(
  sizes: readonly number[],
  firstOffset: number,
  frameDuration: number,
  clip: Clip,
): Buffer {
  return box(
    'stbl',
    fullBox('stsd', 0, u32(1), sampleEntry(clip)),
    fullBox('stts', 0, u32(1, sizes.length, frameDuration)),
    fullBox('stsc', 0, u32(1, 1, sizes.length, 1)),
    fullBox('stsz', 0, u32(0, sizes.length, ...sizes)),
    fullBox('stco', 0, u32(1, firstOffset)),
  );
}

/** `mp4v` with object type 0x6c: JPEG frames (ISO/IEC 14496-1). */
function sampleEntry(clip: Clip): Buffer {
  const visual = Buffer.concat([
    u32(0),
    u16(0, 1, 0, 0),
    u32(0, 0, 0),
    u16(clip.width, clip.height),
    u32(0x00480000, 0x00480000, 0),
    u16(1),
    Buffer.alloc(32),
    u16(24, 0xffff),
  ]);
  const decoder = descriptor(4, Buffer.concat([Buffer.from([0x6c, 0x11, 0, 0, 0]), u32(0, 0)]));
  const elementary = descriptor(
    3,
    Buffer.concat([u16(1), Buffer.from([0]), decoder, descriptor(6, Buffer.from([2]))]),
  );
  return box('mp4v', visual, fullBox('esds', 0, elementary));
}

function descriptor(tag: number, payload: Buffer): Buffer {
  return Buffer.concat([Buffer.from([tag, payload.length]), payload]);
}

function matrix(): Buffer {
  return u32(0x00010000, 0, 0, 0, 0x00010000, 0, 0, 0, 0x40000000);
}

function box(type: string, ...parts: readonly Buffer[]): Buffer {
  const length = parts.reduce((sum, part) => sum + part.length, 8);
  return Buffer.concat([u32(length), Buffer.from(type, 'latin1'), ...parts]);
}

function fullBox(type: string, flags: number, ...parts: readonly Buffer[]): Buffer {
  return box(type, u32(flags), ...parts);
}

function u32(...values: readonly number[]): Buffer {
  const buffer = Buffer.alloc(values.length * 4);
  values.forEach((value, index) => buffer.writeUInt32BE(value >>> 0, index * 4));
  return buffer;
}

function u16(...values: readonly number[]): Buffer {
  const buffer = Buffer.alloc(values.length * 2);
  values.forEach((value, index) => buffer.writeUInt16BE(value, index * 2));
  return buffer;
}
