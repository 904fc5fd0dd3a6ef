import { failureOf as rowOf, type FailureCode, type JobOutcome } from '../../domain/failures';
import { toProviderError, type CallState } from '../call-failure';
import { ProviderError } from '../errors';
import { AnswerError, PodSilent } from './answer-error';
import { SubmitRefused } from './submit-refused';
import type { SubmitRefusal } from './wire';

interface Failure {
  code: FailureCode;
  message: string;
}

/** Every failure of a call as the one error clients throw. Look at the caller's signal first: its abort is none. */
export function toComfyUiError(error: unknown, state: CallState): ProviderError {
  if (error instanceof SubmitRefused) return refusalError(error, state);
  if (error instanceof PodSilent) return silenceError(error, state);
  if (!(error instanceof AnswerError)) return toProviderError(error, state);
  const failure = statusFailure(error, state);
  return new ProviderError(failure.message, {
    ...failure,
    provider: 'comfyui',
    outcome: answerOutcome(error, state),
    retryAfterMs: error.retryAfterMs,
    status: error.status,
    providerRequestId: state.providerRequestId,
    cause: error,
  });
}

function silenceError(error: PodSilent, { stage, providerRequestId }: CallState): ProviderError {
  return new ProviderError(error.message, {
    provider: 'comfyui',
    code: 'pod_silent',
    outcome: stage === 'accepted' ? 'unreachable' : 'nothing_sent',
    providerRequestId,
    cause: error,
  });
}

function answerOutcome({ status }: AnswerError, { stage }: CallState): JobOutcome {
  if (stage !== 'submitting') return stage === 'accepted' ? 'still_there' : 'nothing_sent';
  // A refusal is an answer; a proxy that lost patience (408 too), or a 200 nobody can read, leaves open what the server
  // behind it did.
  return status >= 300 && status < 500 && status !== 408 ? 'nothing_sent' : 'nobody_knows';
}

function statusFailure(error: AnswerError, { stage }: CallState): Failure {
  const failure = failureOf(error);
  // The server itself finds no fault with a question about a run it took.
  return stage === 'accepted' && rowOf(failure.code).class === 'input' ? nobodyThere : failure;
}

const nobodyThere: Failure = {
  code: 'pod_unavailable',
  message: 'no ComfyUI server answers at the pod',
};

function failureOf({ status, isWebPage }: AnswerError): Failure {
  if (status === 401 || status === 403) {
    return { code: 'access_denied', message: 'the pod denied access' };
  }
  if (status === 413) {
    return {
      code: 'input_too_large',
      message: 'an input picture is too large for the pod',
    };
  }
  if (status === 429) return { code: 'rate_limited', message: 'the pod is overloaded' };
  // A stopped pod is answered for by its proxy: with a page, or with a status the server itself never sends.
  if (isWebPage || status < 400 || [404, 502, 503, 504].includes(status)) return nobodyThere;
  if (status >= 500 || status === 408) {
    return { code: 'pod_error', message: 'the pod failed to answer' };
  }
  if (status === 405) return { code: 'wrong_route', message: 'the pod has no such route' };
  return { code: 'bad_request', message: 'the pod refused the request' };
}

function refusalError(error: SubmitRefused, { providerRequestId }: CallState): ProviderError {
  const failure = refusalFailure(error.refusal);
  const isQueued = error.queuedAs !== undefined;
  return new ProviderError(failure.message, {
    ...failure,
    provider: 'comfyui',
    outcome: isQueued ? 'ended_billed' : 'nothing_sent',
    status: isQueued ? 200 : 400,
    providerRequestId,
    cause: error,
  });
}

/** The pod's own texts are not passed on: they quote prompts and file paths. */
function refusalFailure({ error, node_errors: nodeErrors }: SubmitRefusal): Failure {
  const problems = Object.values(nodeErrors).flatMap(({ class_type: node = 'unknown', errors }) =>
    errors.map(({ type, extra_info: info }) => ({ type, node, input: info?.input_name ?? '' })),
  );
  const missing = problems.filter(({ type }) => type === 'value_not_in_list');
  if (missing.some(({ input }) => input === 'lora_name')) {
    return { code: 'lora_missing', message: 'the pod does not have this LoRA' };
  }
  const [model] = missing;
  if (model !== undefined) {
    const message = `the pod lacks a model or choice the graph names (${model.node}, ${model.input})`;
    return { code: 'model_missing', message };
  }
  // Our graphs are checked when they are loaded, so what is invalid about one is a node the pod does not know.
  if (error.type === 'missing_node_type' || error.type === 'invalid_prompt') {
    return { code: 'node_missing', message: 'the pod lacks a node the graph needs' };
  }
  if (problems.some(({ type, input }) => type === 'custom_validation_failed' && input === 'image')) {
    const message = 'the pod lost an input picture right after its upload';
    return { code: 'upload_lost', message };
  }
  return {
    code: 'graph_refused',
    message: 'the pod refused the parameters of the graph',
  };
}
