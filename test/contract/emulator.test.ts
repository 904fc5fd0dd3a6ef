import { startEmulator } from '../../emulator/start-emulator';
import { describeNamedJobs } from './named-jobs.contract';

const picture = { prompt: 'a red door', width: 64, height: 64, seed: 5 };

describe('named jobs of the emulator', () => {
  describeNamedJobs(
    async () => {
      const emulator = await startEmulator({ timeScale: 0.02 });
      return { baseUrl: `${emulator.urls.modal}/ryla-flux`, close: () => emulator.close() };
    },
    {
      works: { path: '/flux', body: picture },
      slow: { path: '/flux-dev', body: picture },
      refused: [
        { path: '/flux-dev', body: { seed: 1 } },
        { path: '/flux-dev-lora', body: { ...picture, lora_id: 'nobody' } },
        { path: '/flux-dev-lora', body: picture },
      ],
    },
  );
});
