import sharp from 'sharp';

/** A small PNG that differs with the word. */
export async function drawPicture(word: string): Promise<Buffer> {
  const text = `<svg xmlns="http://www.w3.org/2000/svg" width="256" height="256"><defs><linearGradient id="g">
    <stop offset="0" stop-color="#264"/><stop offset="1" stop-color="#fca"/></linearGradient></defs>
    <rect width="256" height="256" fill="url(#g)"/>${bars(word)}</svg>`;
  return await sharp(Buffer.from(text)).png().toBuffer();
}

/** Drawn, since a machine may have no fonts. */
function bars(word: string): string {
  return Array.from(word, (letter, index) => {
    const height = 20 + ((letter.codePointAt(0) ?? 0) % 32) * 7;
    return `<rect x="${10 + index * 20}" y="${250 - height}" width="14" height="${height}" fill="#223"/>`;
  }).join('');
}
