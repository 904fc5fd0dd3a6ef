import type { Flow } from './requests';

/** What Temporal needs to order work that waits for the same workers. */
export interface WorkPriority {
  /** 1-5; lower goes first. */
  priorityKey: number;
  /** Work of equal priority is shared out by it; at most 64 bytes. */
  fairnessKey: string;
}

/** Somebody sits in front of the studio; the sets are made in the background. 1 is left to the probes of a watch. */
const priorityKeys: Readonly<Record<Flow, number>> = {
  studio: 2,
  'base-images': 3,
  'profile-pictures': 3,
};

/** Place of a generation among all others: the flow decides first, and within it callers take turns. */
export function priorityOf(flow: Flow, caller: string): WorkPriority {
  return { priorityKey: priorityKeys[flow], fairnessKey: caller.slice(0, 64) };
}
