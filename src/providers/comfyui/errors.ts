import { podSilentCode, podUnavailableCode, type FailureClass } from '../../domain/taxonomy';
import { toProviderError, type CallState } from '../call-failure';
import { ProviderError } from '../errors';
import { AnswerError, PodSilent } from './answer-error';
import { SubmitRefused } from './submit-refused';
import type { SubmitRefusal } from './wire';

interface Failure {
  failureClass: FailureClass;
  code: string;
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
    certainty: answerCertainty(error, state),
    retryAfterMs: error.retryAfterMs,
    status: error.status,
    providerRequestId: state.providerRequestId,
    cause: error,
  });
}

function silenceError(error: PodSilent, { stage, providerRequestId }: CallState): ProviderError {
  return new ProviderError(error.message, {
    provider: 'comfyui',
    failureClass: 'outage',
    code: podSilentCode,
    certainty: stage === 'accepted' ? 'accepted' : 'not_sent',
    providerRequestId,
    cause: error,
  });
}

function answerCertainty({ status }: AnswerError, { stage }: CallState) {
  if (stage !== 'submitting') return stage === 'accepted' ? 'accepted' : 'not_sent';
  // A refusal is an answer; a proxy that lost patience (408 too), or a 200 nobody can read, leaves open what the server
  // behind it did.
  return status >= 300 && status < 500 && status !== 408 ? 'not_sent' : 'unknown';
}

function statusFailure(error: AnswerError, { stage }: CallState): Failure {
  const failure = failureOf(error);
  // The server itself finds no fault with a question about a run it took.
  return stage === 'accepted' && failure.failureClass === 'input' ? nobodyThere : failure;
}

const nobodyThere: Failure = {
  failureClass: 'outage',
  code: podUnavailableCode,
  message: 'no ComfyUI server answers at the pod',
};

function failureOf({ status, isWebPage }: AnswerError): Failure {
  if (status === 401 || status === 403) {
    return { failureClass: 'auth', code: 'access_denied', message: 'the pod denied access' };
  }
  if (status === 413) {
    return {
      failureClass: 'input',
      code: 'input_too_large',
      message: 'an input picture is too large for the pod',
    };
  }
  if (status === 429)
    return { failureClass: 'capacity', code: 'rate_limited', message: 'the pod is overloaded' };
  // A stopped pod is answered for by its proxy: with a page, or with a status the server itself never sends.
  if (isWebPage || status < 400 || [404, 502, 503, 504].includes(status)) return nobodyThere;
  if (status >= 500 || status === 408) {
    return { failureClass: 'transient', code: 'pod_error', message: 'the pod failed to answer' };
  }
  if (status === 405)
    return { failureClass: 'auth', code: 'wrong_route', message: 'the pod has no such route' };
  return { failureClass: 'input', code: 'bad_request', message: 'the pod refused the request' };
}

function refusalError(error: SubmitRefused, { providerRequestId }: CallState): ProviderError {
  const failure = refusalFailure(error.refusal);
  const isQueued = error.queuedAs !== undefined;
  return new ProviderError(failure.message, {
    ...failure,
    provider: 'comfyui',
    certainty: isQueued ? 'accepted' : 'not_sent',
    status: isQueued ? 200 : 400,
    providerRequestId,
    endsJob: isQueued,
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
    return { failureClass: 'lora', code: 'lora_missing', message: 'the pod does not have this LoRA' };
  }
  const [model] = missing;
  if (model !== undefined) {
    const message = `the pod lacks a model or choice the graph names (${model.node}, ${model.input})`;
    return { failureClass: 'auth', code: 'model_missing', message };
  }
  // Our graphs are checked when they are loaded, so what is invalid about one is a node the pod does not know.
  if (error.type === 'missing_node_type' || error.type === 'invalid_prompt') {
    return { failureClass: 'auth', code: 'node_missing', message: 'the pod lacks a node the graph needs' };
  }
  if (problems.some(({ type, input }) => type === 'custom_validation_failed' && input === 'image')) {
    const message = 'the pod lost an input picture right after its upload';
    return { failureClass: 'transient', code: 'upload_lost', message };
  }
  return {
    failureClass: 'input',
    code: 'graph_refused',
    message: 'the pod refused the parameters of the graph',
  };
}
