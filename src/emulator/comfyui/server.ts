import type { EmulatorContext, ProviderEmulation } from '../context';
import { createHttpApp } from '../http-app';
export class ComfyUiServer implements ProviderEmulation {
  readonly app = createHttpApp();
  constructor(_context: EmulatorContext) {}
  powerOff(): void {}
  reset(): void {}
}
