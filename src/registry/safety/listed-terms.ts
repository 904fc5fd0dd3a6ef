/** Terms of a comma-separated list, in any line breaks; a line that ends in a colon is a heading. */
export function listedTerms(text: string): string[] {
  return text
    .replace(/^.*:$/gm, '')
    .split(',')
    .map((term) => term.trim().replace(/\s+/g, ' '))
    .filter((term) => term !== '');
}
