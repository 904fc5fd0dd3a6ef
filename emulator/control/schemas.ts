import { z } from 'zod';
import {
  faultKind,
  faultNames,
  faultParametersSchema,
  faultsOf,
  faultStages,
  type FaultName,
  type FaultParameters,
} from '../faults/fault-catalogue';
import { pathMatches, type NewFault } from '../faults/faults';
import { providerIds } from '../provider-id';
import { providerStates } from '../http/provider-listener';

/** Body of `POST /control/faults`. */
export const newFaultSchema = z
  .strictObject({
    provider: z.enum(providerIds),
    fault: z.enum(faultNames),
    match: z
      .strictObject({
        path: z.string().min(1).optional(),
        app: z.string().min(1).optional(),
        promptIncludes: z.string().min(1).optional(),
      })
      .optional(),
    times: z.int().min(1).optional(),
    forSeconds: z.number().positive().max(86_400).optional(),
    probability: z.number().min(0).max(1).optional(),
    params: faultParametersSchema.optional(),
  })
  .superRefine((fault, context) => {
    for (const { path, message } of mismatches(fault)) context.addIssue({ code: 'custom', path, message });
  });

/** Body of `POST /control/providers/{name}`. */
export const providerStateSchema = z.strictObject({ state: z.enum(providerStates) });

export const faultIdSchema = z.object({ id: z.string() });

export const providerParametersSchema = z.object({ name: z.enum(providerIds) });

export const loraParametersSchema = z.object({
  file: z.string().regex(/^[\w.-]+\.safetensors$/, 'must be a file name that ends in .safetensors'),
});

/** Query of `GET /control/journal`. */
export const journalQuerySchema = z.strictObject({
  provider: z.enum(providerIds).optional(),
  since: z.coerce.number().int().min(0).optional(),
});

/** A route that works for a named job is called in process. */
const requestFaults: ReadonlySet<string> = new Set<FaultName>([
  'reset_before_headers',
  'reset_mid_body',
  'slow_drip',
  'oversize',
  'poll_status',
]);

/** What the shape alone cannot say: which provider has which fault, and which fault takes which parameter, and where it strikes. */
function mismatches(fault: NewFault): { path: string[]; message: string }[] {
  const { provider, fault: name, params = {} } = fault;
  const { stages, parameters = [] } = faultKind(name);
  if (stages[provider] === undefined) {
    const available = faultsOf(provider).join(', ');
    return [{ path: ['fault'], message: `${provider} has no fault ${name}; it has: ${available}` }];
  }
  const { endpoints } = faultKind(name);
  const path = fault.match?.path;
  if (endpoints !== undefined && path !== undefined && !endpoints.some((one) => pathMatches(path, one))) {
    const message = `no endpoint there has the fault ${name}; it strikes only ${endpoints.join(', ')}`;
    return [{ path: ['match', 'path'], message }];
  }
  const given = Object.keys(params) as (keyof FaultParameters)[];
  const unknown = given.filter((key) => !parameters.includes(key));
  const allowed = parameters.length === 0 ? 'it takes none' : `it takes: ${parameters.join(', ')}`;
  const problems = unknown.map((key) => ({
    path: ['params', key],
    message: `not a parameter of ${name}; ${allowed}`,
  }));
  const { statuses } = faultKind(name);
  const isOdd = (status: number): boolean =>
    statuses === undefined ? status < 400 : !statuses.includes(status);
  if (params.status !== undefined && parameters.includes('status') && isOdd(params.status)) {
    const message = `must be ${statuses?.join(', ') ?? '400 to 599'}`;
    problems.push({ path: ['params', 'status'], message });
  }
  const moments: readonly string[] = faultStages[provider];
  if (params.on !== undefined && parameters.includes('on') && !moments.includes(params.on)) {
    problems.push({ path: ['params', 'on'], message: `must be one of ${moments.join(', ')}` });
  }
  if (params.on === 'run' && requestFaults.has(name)) {
    problems.push({ path: ['params', 'on'], message: `${name} strikes a request; a run is none` });
  }
  return problems;
}
