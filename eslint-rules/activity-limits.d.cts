import type { Rule } from 'eslint';

export declare const activityLimits: Rule.RuleModule;
