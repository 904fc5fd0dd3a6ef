import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyReply } from 'fastify';
import { htmlAnswer, jsonAnswer, type Answer } from './answer';
import type { FaultName } from '../faults/fault-catalogue';
import type { Fault } from '../faults/faults';

type Send = (raw: ServerResponse, answer: Answer, fault: Fault) => Promise<boolean>;

/** How each fault of transport sends an answer. */
const transports: Partial<Record<FaultName, Send>> = {
  reset_before_headers: (raw) => Promise.resolve(reset(raw)),
  reset_mid_body: sendHalfAndReset,
  truncated: sendHalf,
  slow_drip: (raw, answer, { params }) => drip(raw, answer, params.intervalMs ?? 1000),
  oversize: flood,
  empty_200: sendSpoiled,
  html_200: sendSpoiled,
  json_200: sendSpoiled,
};

const spoils: Partial<Record<FaultName, (answer: Answer) => Answer>> = {
  truncated: (answer) => ({ ...answer, body: half(answer) }),
  empty_200: (answer) => ({ ...answer, status: 200, body: Buffer.alloc(0) }),
  html_200: () => htmlAnswer(200, 'Sign in'),
  json_200: () => jsonAnswer(200, { error: 'temporarily unavailable' }),
};

/** What a fault that spoils the content makes of an answer; the answer itself under any other. */
export function spoiledAnswer(answer: Answer, fault: Fault | undefined): Answer {
  return (fault === undefined ? undefined : spoils[fault.name]?.(answer)) ?? answer;
}

/**
 * Sends an answer, broken in transit if the fault says so.
 * Resolves to whether something whole left over an open connection.
 */
export async function deliver(reply: FastifyReply, answer: Answer, fault?: Fault): Promise<boolean> {
  reply.hijack();
  const transport = fault === undefined ? undefined : transports[fault.name];
  if (fault === undefined || transport === undefined) return await send(reply.raw, answer);
  return await transport(reply.raw, answer, fault);
}

/** Whether a fault is one of transport, which `deliver` carries out by itself. */
export function isTransportFault(fault: Fault | undefined): fault is Fault {
  return fault !== undefined && transports[fault.name] !== undefined;
}

/** Resets the connection instead of answering, as a crashed peer does. */
export function cutOff(reply: FastifyReply): void {
  reply.hijack();
  reset(reply.raw);
}

function reset(raw: ServerResponse): false {
  raw.socket?.resetAndDestroy();
  return false;
}

/** Statuses that never come with a body, not even one of no length. */
const bodiless: ReadonlySet<number> = new Set([204, 304]);

async function send(raw: ServerResponse, answer: Answer): Promise<boolean> {
  const length = bodiless.has(answer.status) ? {} : { 'content-length': answer.body.length };
  raw.writeHead(answer.status, { ...answer.headers, ...length });
  const done = whenDone(raw);
  raw.end(raw.req.method === 'HEAD' ? undefined : answer.body);
  return await done;
}

async function sendSpoiled(raw: ServerResponse, answer: Answer, fault: Fault): Promise<boolean> {
  return await send(raw, spoiledAnswer(answer, fault));
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
