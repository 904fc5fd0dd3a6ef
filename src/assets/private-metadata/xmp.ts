/** Longest XMP that is read; what is longer is dropped unread. */
export const xmpBytes = 1_000_000;

const iptcExtension = 'http://iptc.org/std/Iptc4xmpExt/2008-02-29/';
const dublinTerms = 'http://purl.org/dc/terms/';
/** Marks are addresses of a controlled vocabulary; nothing else goes through. */
const markValue = /^https?:\/\/[\w.~%/:#?=&;-]{1,500}$/;

/**
 * What may stay of an XMP packet: how the picture was made, by IPTC's digital source type. All else, such as places,
 * devices and names, goes.
 *
 * @returns a packet of its own, or `undefined` where there is no such mark
 */
export function marksOnly(packet: string): Buffer | undefined {
  const marks = ['DigitalSourceType', 'DigitalSourceFileType'].flatMap((name) => {
    const value = valueOf(packet, iptcExtension, name);
    return value !== undefined && markValue.test(value) ? [` Iptc4xmpExt:${name}="${value}"`] : [];
  });
  if (marks.length === 0) return undefined;
  return Buffer.from(
    '<?xpacket begin="\uFEFF" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">' +
      '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">' +
      `<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="${iptcExtension}"${marks.join('')}/>` +
      '</rdf:RDF></x:xmpmeta><?xpacket end="w"?>',
  );
}

/** Whether the packet says where the picture's C2PA manifest is kept: that one is signed over these bytes, too. */
export function namesManifest(packet: string): boolean {
  return valueOf(packet, dublinTerms, 'provenance') !== undefined;
}

/** A property as an attribute, as text or as a reference, under whatever prefix its namespace has here. */
function valueOf(packet: string, namespace: string, name: string): string | undefined {
  const prefix = prefixOf(packet, namespace);
  if (prefix === undefined) return undefined;
  const property = `${prefix}:${name}`;
  // Each part has a longest length: a packet made to keep us busy is looked through once.
  const forms = [
    `\\s${property}\\s{0,9}=\\s{0,9}["']([^"'<>]{0,600})["']`,
    `<${property}>([^<]{0,600})</${property}>`,
    `<${property}\\s[^>]{0,600}resource\\s{0,9}=\\s{0,9}["']([^"'<>]{0,600})["']`,
  ];
  for (const form of forms) {
    const value = new RegExp(form).exec(packet)?.[1]?.trim();
    if (value !== undefined && value !== '') return value;
  }
  return undefined;
}

function prefixOf(packet: string, namespace: string): string | undefined {
  const declarations = packet.matchAll(/xmlns:([\w-]{1,50})\s{0,9}=\s{0,9}["']([^"']{0,200})["']/g);
  for (const [, prefix, address] of declarations) if (address === namespace) return prefix;
  return undefined;
}
