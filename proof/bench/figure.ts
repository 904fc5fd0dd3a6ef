/** One line of the table. */
export interface Figure {
  name: string;
  value: number;
  unit: string;
  /** Upper bound the project set itself; absent where there is none. */
  target?: number;
  /** Lower bound, where more is better. */
  atLeast?: number;
  /** How it was measured. */
  note: string;
}
