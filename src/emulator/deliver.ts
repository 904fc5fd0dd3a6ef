import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyReply } from 'fastify';
import { htmlAnswer, jsonAnswer, type Answer } from './answer';
import type { Fault } from './faults';

/**
 * Sends an answer, broken in transit if the fault says so.
 * Resolves to whether the whole answer left over an open connection.
 */
export async function deliver(reply: FastifyReply, answer: Answer, fault?: Fault): Promise<boolean> {
  reply.hijack();
  const { raw } = reply;
  switch (fault?.name) {
    case 'reset_before_headers':
    case 'submit_lost':
      return reset(raw);
    case 'reset_mid_body':
      return await sendHalfAndReset(raw, answer);
    case 'truncated':
      return await sendHalf(raw, answer);
    case 'slow_drip':
      return await drip(raw, answer, fault.params.intervalMs ?? 1000);
    case 'oversize':
      return await flood(raw, answer);
    default:
      return await send(raw, replaced(answer, fault));
  }
}

/** Ends a connection with a TCP reset, as a crashed peer does. */
export function reset(raw: ServerResponse): false {
  raw.socket?.resetAndDestroy();
  return false;
}

/** Whether a fault is one of transport, which `deliver` carries out by itself. */
export function isTransportFault(fault: Fault | undefined): boolean {
  return fault !== undefined && transportFaults.has(fault.name);
}

const transportFaults: ReadonlySet<string> = new Set([
  'reset_before_headers',
  'reset_mid_body',
  'truncated',
  'empty_200',
  'html_200',
  'json_200',
  'slow_drip',
  'oversize',
]);

function replaced(answer: Answer, fault: Fault | undefined): Answer {
  if (fault?.name === 'empty_200') return { ...answer, status: 200, body: Buffer.alloc(0) };
  if (fault?.name === 'html_200') return htmlAnswer(200, 'Sign in');
  if (fault?.name === 'json_200') return jsonAnswer(200, { error: 'temporarily unavailable' });
  return answer;
}

async function send(raw: ServerResponse, answer: Answer): Promise<boolean> {
  raw.writeHead(answer.status, { ...answer.headers, 'content-length': answer.body.length });
  const done = whenDone(raw);
  raw.end(raw.req.method === 'HEAD' ? undefined : answer.body);
  return await done;
}

async function sendHalfAndReset(raw: ServerResponse, answer: Answer): Promise<boolean> {
  raw.writeHead(answer.status, { ...answer.headers, 'content-length': answer.body.length });
  const gone = whenDone(raw);
  raw.write(half(answer), () => reset(raw));
  return await gone;
}

async function sendHalf(raw: ServerResponse, answer: Answer): Promise<boolean> {
  raw.writeHead(200, answer.headers);
  const done = whenDone(raw);
  raw.write(half(answer));
  raw.end();
  return await done;
}

async function drip(raw: ServerResponse, answer: Answer, intervalMs: number): Promise<boolean> {
  raw.writeHead(answer.status, { ...answer.headers, 'content-length': answer.body.length });
  for (let index = 0; index < answer.body.length && !raw.destroyed; index += 1) {
    raw.write(answer.body.subarray(index, index + 1));
    await sleep(intervalMs, undefined, { ref: false });
  }
  if (raw.destroyed) return false;
  raw.end();
  return true;
}

async function flood(raw: ServerResponse, answer: Answer): Promise<boolean> {
  raw.writeHead(200, answer.headers);
  const gone = whenDone(raw);
  raw.write(answer.body);
  const filler = Buffer.alloc(64 * 1024);
  const pour = (): void => {
    while (!raw.destroyed && raw.write(filler));
  };
  // Filling only on drain keeps the endless body out of this process's memory.
  raw.on('drain', pour);
  pour();
  return await gone;
}

function half(answer: Answer): Buffer {
  return answer.body.subarray(0, Math.floor(answer.body.length / 2));
}

async function whenDone(raw: ServerResponse): Promise<boolean> {
  if (raw.destroyed) return false;
  return await new Promise((resolve) => {
    raw.once('finish', () => {
      resolve(true);
    });
    raw.once('close', () => {
      resolve(raw.writableFinished);
    });
  });
}
