import { createComfyUiClient } from '../../../src/providers/comfyui/client';
import { usePodRig } from './pod-rig';

const rig = usePodRig();
const html = { 'content-type': 'text/html; charset=utf-8' };

describe('the health check', () => {
  it('says what runs there', async () => {
    const { signal } = new AbortController();
    expect(await createComfyUiClient({ baseUrl: `${rig.pod.url}/` }).checkHealth({ signal })).toEqual({
      healthy: true,
      detail: 'ComfyUI 0.3.64, cuda:0 NVIDIA L40S',
    });
  });

  it('says why not, and never throws', async () => {
    rig.pod.on('GET /system_stats', { status: 200, body: '<html>', headers: html });
    const client = createComfyUiClient({ baseUrl: rig.pod.url });
    const detail = 'no ComfyUI server answers at the pod';
    expect(await client.checkHealth({ signal: new AbortController().signal })).toEqual({
      healthy: false,
      detail,
    });
    const aborted = await client.checkHealth({ signal: AbortSignal.abort() });
    expect(aborted.healthy).toBe(false);
  });
});
