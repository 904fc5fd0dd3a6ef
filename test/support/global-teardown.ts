import { rm } from 'node:fs/promises';
import path from 'node:path';

export default async function globalTeardown(): Promise<void> {
  const bundle = process.env['TEST_WORKFLOW_BUNDLE'];
  if (bundle !== undefined) await rm(path.dirname(bundle), { recursive: true, force: true });
}
