/** The deployed Modal apps and their paths, as their handlers behave. */
export interface ModalEndpoint {
  path: string;
  app: string;
  /** Content type the route declares, whatever the bytes are. */
  output: 'image/jpeg' | 'image/png' | 'image/webp' | 'video/mp4';
  /** Default size; `source`: the size follows from the input picture. */
  size: { width: number; height: number } | 'source';
  /** `derived` stands for the routes that draw one at random. */
  seed: 42 | 'derived' | 4105349922;
  checks: readonly FieldCheck[];
  /**
   * `own-catch` and `seedvr2-catch`: the route catches everything itself, so even its 400 comes as a 500-shaped body, and
   * it picks the status by words in the message.
   */
  errors: 'framework' | 'own-catch' | 'seedvr2-catch';
  lora?: 'character' | 'qwen' | 'wan';
  headers: 'image' | 'qwen' | 'wan' | 'faceswap';
  /** Fields whose pictures are drawn into the result. */
  faceField?: string;
  sourceField?: string;
  frames?: { field: string; count: number; fps: number };
  steps: number;
  /** Seconds of a warm call. */
  seconds: number;
  gpu: 'L40S' | 'A100';
}

/** A required field and what its absence answers, in the order the handler looks. */
export interface FieldCheck {
  field: string;
  alias?: string;
  missing: 'key-error' | 'value-error' | 'bad-request';
  picture?: 'data-url' | 'base64' | 'data-url-list' | 'video';
}

const square = { width: 1024, height: 1024 };
const promptKeyError: FieldCheck = { field: 'prompt', missing: 'key-error' };
const promptValueError: FieldCheck = { field: 'prompt', missing: 'value-error' };
const face400: FieldCheck = { field: 'reference_image', missing: 'bad-request', picture: 'data-url' };
const source400: FieldCheck = { field: 'source_image', missing: 'bad-request', picture: 'data-url' };
const source500: FieldCheck = { field: 'source_image', missing: 'value-error', picture: 'data-url' };

const flux = {
  app: 'ryla-flux',
  output: 'image/jpeg',
  size: square,
  seed: 42,
  checks: [promptKeyError],
  errors: 'framework',
  headers: 'image',
  steps: 20,
  gpu: 'L40S',
} as const;
const face = {
  ...flux,
  app: 'ryla-instantid',
  checks: [face400, promptKeyError],
  faceField: 'reference_image',
} as const;
const qwen = {
  ...flux,
  app: 'ryla-qwen-image',
  size: { width: 1328, height: 1328 },
  seed: 'derived',
  checks: [],
  headers: 'qwen',
  steps: 50,
} as const;
const zImage = { ...flux, app: 'ryla-z-image' } as const;
const wan = {
  ...flux,
  app: 'ryla-wan26',
  output: 'image/webp',
  size: { width: 832, height: 480 },
  seed: 'derived',
  checks: [promptValueError],
  headers: 'wan',
  frames: { field: 'length', count: 33, fps: 16 },
  steps: 30,
  seconds: 35,
} as const;
const swapChecks = (source: string): FieldCheck[] => [
  { field: source, missing: 'bad-request', picture: source === 'source_video' ? 'video' : 'data-url' },
  face400,
];

/** Every route in service. Seconds: published benchmark, warm. */
export const modalEndpoints: readonly ModalEndpoint[] = [
  { ...flux, path: '/flux', steps: 4, seconds: 29 },
  { ...flux, path: '/flux-dev', seconds: 37 },
  { ...flux, path: '/flux-dev-lora', lora: 'character', seconds: 60 },
  { ...flux, path: '/flux-dev-realism', seconds: 60 },
  { ...face, path: '/sdxl-instantid', errors: 'own-catch', seconds: 29 },
  { ...face, path: '/flux-pulid', seed: 'derived', seconds: 83 },
  { ...face, path: '/flux-ipadapter-faceid', errors: 'own-catch', seconds: 60 },
  { ...qwen, path: '/qwen-image-2512', seconds: 103 },
  { ...qwen, path: '/qwen-image-2512-fast', steps: 4, seconds: 73 },
  { ...qwen, path: '/qwen-image-2512-lora', lora: 'qwen', seconds: 143 },
  {
    ...qwen,
    path: '/qwen-image-edit-2511',
    size: 'source',
    checks: [source500, { field: 'instruction', missing: 'value-error' }],
    sourceField: 'source_image',
    seconds: 110,
  },
  {
    ...qwen,
    path: '/qwen-image-inpaint-2511',
    size: 'source',
    checks: [
      source500,
      { field: 'mask_image', missing: 'value-error', picture: 'data-url' },
      promptValueError,
    ],
    sourceField: 'source_image',
    seconds: 110,
  },
  {
    ...qwen,
    path: '/image-faceswap',
    size: 'source',
    checks: swapChecks('source_image'),
    headers: 'faceswap',
    sourceField: 'source_image',
    seconds: 10,
  },
  {
    ...qwen,
    path: '/video-faceswap',
    output: 'video/mp4',
    size: { width: 832, height: 480 },
    checks: swapChecks('source_video'),
    headers: 'faceswap',
    faceField: 'reference_image',
    frames: { field: 'num_frames', count: 33, fps: 30 },
    seconds: 85,
  },
  {
    ...qwen,
    path: '/batch-video-faceswap',
    output: 'video/mp4',
    size: { width: 832, height: 480 },
    checks: swapChecks('source_video'),
    headers: 'faceswap',
    faceField: 'reference_image',
    frames: { field: 'num_frames', count: 33, fps: 24 },
    seconds: 90,
  },
  { ...zImage, path: '/z-image-simple', steps: 4, seconds: 51 },
  { ...zImage, path: '/z-image-danrisi', steps: 8, seconds: 6 },
  {
    ...zImage,
    path: '/z-image-lora',
    seed: 'derived',
    lora: 'character',
    checks: [{ field: 'prompt', missing: 'bad-request' }],
    steps: 9,
    seconds: 29,
  },
  { ...zImage, path: '/z-image-realism', seconds: 29 },
  { ...zImage, path: '/z-image-nsfw', seconds: 29 },
  { ...wan, path: '/wan2.6' },
  { ...wan, path: '/wan2.6-i2v', checks: [face400, promptValueError], sourceField: 'reference_image' },
  {
    ...wan,
    path: '/wan2.6-i2v-faceswap',
    output: 'video/mp4',
    checks: [
      face400,
      { field: 'face_image', alias: 'reference_face', missing: 'bad-request', picture: 'data-url' },
      promptValueError,
    ],
    faceField: 'face_image',
    seconds: 160,
  },
  { ...wan, path: '/wan2.6-lora', lora: 'wan', checks: [promptKeyError], seconds: 47 },
  {
    ...wan,
    path: '/wan2.6-r2v',
    checks: [
      { field: 'reference_videos', missing: 'value-error', picture: 'data-url-list' },
      promptValueError,
    ],
    faceField: 'reference_videos',
  },
  {
    ...wan,
    path: '/wan22-i2v',
    app: 'ryla-wan22-i2v',
    size: { width: 512, height: 768 },
    checks: [source400],
    sourceField: 'source_image',
    frames: { field: 'num_frames', count: 33, fps: 16 },
    steps: 20,
    seconds: 240,
    gpu: 'A100',
  },
  {
    ...wan,
    path: '/wan22-i2v-faceswap',
    app: 'ryla-wan22-i2v',
    output: 'video/mp4',
    checks: [
      source400,
      { field: 'face_image', alias: 'reference_image', missing: 'bad-request', picture: 'data-url' },
    ],
    faceField: 'face_image',
    frames: { field: 'num_frames', count: 33, fps: 16 },
    seconds: 425,
    gpu: 'A100',
  },
  {
    ...flux,
    path: '/seedvr2',
    app: 'ryla-seedvr2',
    output: 'image/png',
    size: 'source',
    seed: 4105349922,
    checks: [{ field: 'image', missing: 'value-error', picture: 'base64' }],
    errors: 'seedvr2-catch',
    sourceField: 'image',
    seconds: 208,
  },
];

/** Routes that are registered but answer 501, with the app they stand on. */
export const unsupportedPaths: Readonly<Record<string, string>> = {
  '/flux-instantid': 'ryla-instantid',
  '/z-image-pulid-lora': 'ryla-z-image',
};

/** Every deployed app. */
export const modalApps: ReadonlySet<string> = new Set(modalEndpoints.map(({ app }) => app));

/** The GPU an app has: one for all its routes, and for the paths it does not know. */
export function gpuOf(app: string): ModalEndpoint['gpu'] {
  return modalEndpoints.find((endpoint) => endpoint.app === app)?.gpu ?? 'L40S';
}

/** USD per GPU second. */
export const gpuRates = { L40S: 0.000542, A100: 0.000694 } as const;

/** Sizes of the Qwen `aspect_ratio` field; an unknown value is ignored by the server. */
export const qwenAspectRatios: Readonly<Record<string, { width: number; height: number }>> = {
  '1:1': { width: 1328, height: 1328 },
  '16:9': { width: 1664, height: 928 },
  '9:16': { width: 928, height: 1664 },
  '4:3': { width: 1472, height: 1104 },
  '3:4': { width: 1104, height: 1472 },
  '3:2': { width: 1584, height: 1056 },
  '2:3': { width: 1056, height: 1584 },
};
