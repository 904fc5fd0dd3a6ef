import { defineQuery } from '@temporalio/workflow';
import type { GenerationState } from '../domain/generation';

/** The whole state of a generation, at any time; also after it ended. */
export const progressQuery = defineQuery<GenerationState>('progress');
