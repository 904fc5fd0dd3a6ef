/**
 * What a key may do. `start`: start, change and cancel. `read`: look. `nsfw`: beside `start`, make NSFW pictures. `admin`:
 * manage keys and read the audit table, and nothing of what callers have.
 */
export const scopes = ['start', 'read', 'admin', 'nsfw'] as const;
export type Scope = (typeof scopes)[number];
