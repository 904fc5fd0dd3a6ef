import ipaddr from 'ipaddr.js';

/** What is given out to be reached by everybody (RFC 4291); the rest of IPv6 has other uses, or none yet. */
const globalUnicast = ipaddr.IPv6.parseCIDR('2000::/3');

/**
 * Whether an address, in whatever spelling, is one of the public internet: not of this machine, not of a private
 * network, and not a way around that through a tunnel or a translator.
 */
export function isPublicAddress(text: string): boolean {
  if (!ipaddr.isValid(text)) return false;
  // An IPv4 address inside of IPv6 is judged as what it is.
  const address = ipaddr.process(text);
  if (address.range() !== 'unicast') return false;
  return address instanceof ipaddr.IPv4 || address.match(globalUnicast);
}
