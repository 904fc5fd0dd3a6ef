import type { Fault } from '../faults/faults';
import type { FalJob } from './fal-job';
import { basePath } from './paths';

/** The three URLs a ticket and every status carry. */
export interface RequestUrls {
  response_url: string;
  status_url: string;
  cancel_url: string;
}

export function requestUrls(origin: string, job: FalJob, fault = job.fault): RequestUrls {
  const path = fault?.name === 'wrong_poll_path' ? job.endpointId : basePath(job.endpointId);
  const url = `${urlOrigin(origin, fault)}/queue/${path}/requests/${job.id}`;
  return { response_url: url, status_url: `${url}/status`, cancel_url: `${url}/cancel` };
}

function urlOrigin(origin: string, fault: Fault | undefined): string {
  return fault?.name === 'foreign_urls' ? (fault.params.origin ?? 'http://elsewhere.invalid') : origin;
}
