import { fraction } from '../pictures/fingerprint';
import {
  faultKind,
  namedStageOf,
  type FaultName,
  type FaultParameters,
  type FaultStage,
} from './fault-catalogue';
import type { ProviderId } from '../provider-id';

/** Which requests a fault strikes; an empty match strikes all. */
export interface FaultMatch {
  /** Endpoint as the journal writes it; a trailing `*` matches any ending. */
  path?: string | undefined;
  /** Modal app. */
  app?: string | undefined;
  /** Part of the prompt, whatever its case. */
  promptIncludes?: string | undefined;
}

export interface NewFault {
  provider: ProviderId;
  fault: FaultName;
  match?: FaultMatch | undefined;
  /** How often it strikes; left out: until it is removed. */
  times?: number | undefined;
  /** Real seconds after which it stops; left out: until it is removed. */
  forSeconds?: number | undefined;
  /** Chance per matching request, 0-1; default 1. Drawn from the emulator's seed. */
  probability?: number | undefined;
  params?: FaultParameters | undefined;
}

/** A fault as the control API lists it. */
export interface FaultRule extends NewFault {
  id: string;
  params: FaultParameters;
  /** The moment it strikes at. */
  stage: FaultStage;
  /** The moment of a named Modal job it strikes at as well. */
  namedStage: FaultStage | null;
  /** `null`: no limit. */
  timesLeft: number | null;
  /** ISO 8601; `null`: no limit. */
  endsAt: string | null;
  struck: number;
  /** ISO 8601; `null`: not yet. */
  lastStruckAt: string | null;
}

/** A fault that strikes one request. */
export interface Fault {
  name: FaultName;
  params: FaultParameters;
}

/** What a request is about, as far as faults care. */
export interface FaultSubject {
  endpoint: string;
  app?: string | undefined;
  prompt?: string | undefined;
}

/** The faults in force. Rules are tried in the order they were added; the first that fits strikes. */
export class FaultBoard {
  readonly #seed: number;
  #rules: FaultRule[] = [];
  #added = 0;
  #draws = 0;

  constructor(seed: number) {
    this.#seed = seed;
  }

  add(fault: NewFault): FaultRule {
    const params = fault.params ?? {};
    const stage = params.on ?? faultKind(fault.fault).stages[fault.provider];
    const namedStage =
      fault.provider === 'modal' && params.on === undefined ? namedStageOf(fault.fault) : null;
    const rule: FaultRule = {
      id: `fault-${(this.#added += 1)}`,
      ...fault,
      params,
      stage: stage as FaultStage,
      namedStage,
      timesLeft: fault.times ?? null,
      endsAt: fault.forSeconds === undefined ? null : timeIn(fault.forSeconds),
      struck: 0,
      lastStruckAt: null,
    };
    this.#rules.push(rule);
    return rule;
  }

  list(): readonly FaultRule[] {
    return this.#rules;
  }

  /** Whether there was such a rule. */
  remove(id: string): boolean {
    const before = this.#rules.length;
    this.#rules = this.#rules.filter((rule) => rule.id !== id);
    return this.#rules.length < before;
  }

  clear(): void {
    this.#rules = [];
    this.#draws = 0;
  }

  /** The fault that strikes this request now, if any; counts it. */
  take(provider: ProviderId, stage: FaultStage, subject: FaultSubject): Fault | undefined {
    const rule = this.#rules.find(
      (candidate) =>
        candidate.provider === provider &&
        (candidate.stage === stage || candidate.namedStage === stage) &&
        candidate.timesLeft !== 0 &&
        !isOver(candidate) &&
        hasFault(subject.endpoint, candidate.fault) &&
        matches(candidate.match ?? {}, subject) &&
        this.#drawn(candidate.probability ?? 1),
    );
    if (rule === undefined) return undefined;
    rule.struck += 1;
    rule.lastStruckAt = new Date().toISOString();
    if (rule.timesLeft !== null) rule.timesLeft -= 1;
    return { name: rule.fault, params: rule.params };
  }

  #drawn(probability: number): boolean {
    if (probability >= 1) return true;
    return fraction(this.#seed, 'fault', (this.#draws += 1)) < probability;
  }
}

function timeIn(seconds: number): string {
  return new Date(Date.now() + seconds * 1000).toISOString();
}

function isOver({ endsAt }: FaultRule): boolean {
  return endsAt !== null && Date.parse(endsAt) <= Date.now();
}

function hasFault(endpoint: string, fault: FaultName): boolean {
  return faultKind(fault).endpoints?.includes(endpoint) ?? true;
}

function matches(match: FaultMatch, subject: FaultSubject): boolean {
  const { path, app, promptIncludes } = match;
  if (path !== undefined && !pathMatches(path, subject.endpoint)) return false;
  if (app !== undefined && app !== subject.app) return false;
  if (promptIncludes === undefined) return true;
  return (subject.prompt ?? '').toLowerCase().includes(promptIncludes.toLowerCase());
}

/** Whether a `match.path` fits an endpoint. */
export function pathMatches(pattern: string, endpoint: string): boolean {
  return pattern.endsWith('*') ? endpoint.startsWith(pattern.slice(0, -1)) : endpoint === pattern;
}
