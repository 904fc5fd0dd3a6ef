import { writeFile } from 'node:fs/promises';
import { format } from 'prettier';
import { openApiDocument } from './openapi-document';

/** `npm run openapi`: writes openapi.json as the app gives it now. */
async function main(): Promise<void> {
  const text = JSON.stringify(await openApiDocument());
  await writeFile('openapi.json', await format(text, { parser: 'json', printWidth: 110 }));
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = 1;
});
