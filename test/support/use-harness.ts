import { startHarness, type GenerationHarness } from './generation-harness';

/** One harness for all tests of a file, with the usual surroundings at the start of each. */
export function useHarness(...options: Parameters<typeof startHarness>): GenerationHarness {
  let started: GenerationHarness | undefined;
  beforeAll(async () => {
    started = await startHarness(...options);
  });
  afterEach(() => {
    started?.resetSurroundings();
  });
  afterAll(async () => {
    await started?.close();
  });
  return new Proxy({} as GenerationHarness, {
    get: (_target, member) => Reflect.get(started ?? {}, member) as unknown,
  });
}
