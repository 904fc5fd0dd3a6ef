import { findModel, models, RequestRefused } from '../../src/registry';
import type { ProviderName } from '../../src/domain/taxonomy';

function refusal(reference: string, provider?: ProviderName) {
  try {
    findModel(reference, provider);
  } catch (error) {
    if (error instanceof RequestRefused) return error.issues;
  }
  throw new Error('was found');
}

describe('findModel', () => {
  it.each(models)('finds $id by its id and by its endpoint', (model) => {
    expect(findModel(model.id)).toBe(model);
    expect(findModel(model.backendId, model.provider)).toBe(model);
  });

  it('finds a model by the name people see', () => {
    expect(findModel('seedream-45').id).toBe('fal-seedream-v4.5');
  });

  it('lets the provider decide between models of one name', () => {
    expect(findModel('flux-dev', 'fal').id).toBe('fal-flux-dev');
    expect(findModel('flux-dev', 'modal').id).toBe('modal-flux-dev');
  });

  it('names the ids when a name means more than one model', () => {
    const [issue] = refusal('flux-dev');
    expect(issue).toMatchObject({ field: 'modelId', code: 'ambiguous_model' });
    expect(issue?.message).toContain('"modal-flux-dev" or "fal-flux-dev"');
  });

  it('says how to list the models when none has the name', () => {
    const [issue] = refusal('flux-lora');
    expect(issue).toMatchObject({ field: 'modelId', code: 'unknown_model' });
    expect(issue?.message).toContain('GET /v1/models');
  });

  it('refuses a provider that does not have the model', () => {
    expect(refusal('fal-flux-dev', 'modal')).toMatchObject([
      { field: 'modelProvider', code: 'model_elsewhere' },
    ]);
  });
});
