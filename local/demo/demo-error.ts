/** Thrown when a step of the demo did not do what it promises; the message is one line for people. */
export class DemoError extends Error {
  override readonly name = 'DemoError';
}
