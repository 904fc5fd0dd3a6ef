export { models } from './models';
export { RequestRefused, type RefusalIssue } from './refusal';
