import { bundleForTests } from './workflow-bundle';

export default async function globalSetup(): Promise<void> {
  process.env['TEST_WORKFLOW_BUNDLE'] = await bundleForTests();
}
