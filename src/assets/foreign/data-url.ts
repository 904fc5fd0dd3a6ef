import { ForeignUrlError } from './foreign-url-error';

export function isDataUrl(text: string): boolean {
  return /^data:/i.test(text);
}

/**
 * The bytes of a `data:` URL. What it calls itself does not matter; bytes decide.
 *
 * @throws ForeignUrlError `data_url_invalid`
 */
export function bytesOfDataUrl(text: string): Buffer {
  const comma = text.indexOf(',');
  const isBase64 = comma !== -1 && /;\s*base64$/i.test(text.slice(0, comma));
  const encoded = isBase64 ? unescaped(text.slice(comma + 1)).replaceAll(/\s/g, '') : '';
  // Node's decoder passes over what is no base64, and would give other bytes than were sent.
  if (encoded === '' || !/^[A-Za-z0-9+/]+={0,2}$/.test(encoded)) {
    throw new ForeignUrlError('data_url_invalid', 'is no data: URL of the form data:image/png;base64,...');
  }
  return Buffer.from(encoded, 'base64');
}

function unescaped(text: string): string {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
}
