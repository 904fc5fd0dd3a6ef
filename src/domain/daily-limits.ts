/** USD a caller may spend in one UTC day. */
export interface DailyLimits {
  /** Of callers without a limit of their own; absent: no limit. */
  defaultUsd?: number | undefined;
  byCaller: ReadonlyMap<string, number>;
}

/** The limit of one caller; `undefined`: none. */
export function dailyLimitOf({ defaultUsd, byCaller }: DailyLimits, caller: string): number | undefined {
  return byCaller.get(caller) ?? defaultUsd;
}
