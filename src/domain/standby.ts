/** A process started with it loads everything, and begins when it gets a line of input. */
export const standbyArgument = '--standby';
