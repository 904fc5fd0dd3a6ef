export interface StudioDemoRequest {
  /** Shown to people. */
  name: string;
  /** Body of `POST /v1/studio`. */
  body: object;
}

/** One studio request per mode; `face` is the asset URL of the picture to keep, vary, edit and enlarge. */
export function studioRequests(subject: {
  characterId: string;
  prompt: string;
  face: string;
}): StudioDemoRequest[] {
  const { characterId, prompt, face } = subject;
  const common = { characterId, seed: 7 };
  return [
    {
      name: 'creating with LoRA',
      body: {
        ...common,
        mode: 'creating',
        prompt: `${prompt}, at a street cafe`,
        useLora: true,
        modelPreference: 'flux',
      },
    },
    {
      name: 'creating with reference',
      body: {
        ...common,
        mode: 'creating',
        prompt: `${prompt}, on a rooftop at dusk`,
        referenceImageUrl: face,
      },
    },
    {
      name: 'variations',
      body: { ...common, mode: 'variations', prompt, sourceImageUrl: face, strength: 0.5 },
    },
    {
      name: 'editing',
      body: { ...common, mode: 'editing', prompt: 'change the jacket to green velvet', sourceImageUrl: face },
    },
    { name: 'upscaling', body: { ...common, mode: 'upscaling', sourceImageUrl: face, upscaleFactor: 2 } },
    { name: 'video', body: { ...common, mode: 'video', prompt: `${prompt}, she turns and smiles` } },
  ];
}
