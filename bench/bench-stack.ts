import path from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { pino } from 'pino';
import type { GenerationState } from '../src/domain/generation';
import { createDemoClient, type DemoClient } from '../src/stack/demo/demo-client';
import { freePorts } from '../src/stack/free-ports';
import { projectDirectory } from '../src/stack/project-directory';
import { Stack } from '../src/stack/stack';
import type { StackDescription } from '../src/stack/stack-file';

export const benchCharacter = 'bench';

/** The whole stack on ports of its own, with unscaled provider times, and clients for all of it. */
export interface BenchStack {
  api: DemoClient;
  temporal: Client;
  description: StackDescription;
  /** Every provider job takes exactly this long. */
  setLatency(seconds: number): Promise<void>;
  /** Waits for the end and returns the workflow's own state. */
  result(flow: string, generationId: string): Promise<GenerationState>;
  stop(): Promise<void>;
}

export async function startBenchStack(): Promise<BenchStack> {
  const [api = 0, temporal = 0, temporalUi = 0, postgres = 0, control = 0, modal = 0, fal = 0, comfyui = 0] =
    await freePorts(8);
  const stack = new Stack({
    projectDirectory,
    dataDirectory: path.join(projectDirectory, 'data', 'bench'),
    ports: { api, temporal, temporalUi, postgres, emulator: { control, modal, fal, comfyui } },
    environment: {
      ...process.env,
      PROVIDERS: 'emulated',
      EMULATOR_TIME_SCALE: '1',
      MODAL_CONCURRENCY: '250',
    },
    logger: pino({ level: 'warn' }, pino.destination(2)),
    fresh: true,
  });
  try {
    return await connect(stack, await stack.start());
  } catch (error) {
    await stack.stop();
    throw error;
  }
}

async function connect(stack: Stack, description: StackDescription): Promise<BenchStack> {
  const control = description.emulator?.control ?? '';
  const api = createDemoClient({ api: description.api, control });
  const connection = await Connection.connect({ address: description.temporal });
  const temporal = new Client({ connection, namespace: description.namespace });
  await api.putCharacter(benchCharacter, 'Bench');
  return {
    api,
    temporal,
    description,
    async setLatency(fixedLatencySeconds) {
      const response = await fetch(`${control}/control/settings`, {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ fixedLatencySeconds, fal: { queueSeconds: 0 } }),
      });
      if (!response.ok) throw new Error(`the emulator refused its settings: ${await response.text()}`);
    },
    result: (flow, id) =>
      temporal.workflow.result<() => Promise<GenerationState>>(`${flow}/${benchCharacter}/${id}`),
    async stop() {
      await connection.close();
      await stack.stop();
    },
  };
}
