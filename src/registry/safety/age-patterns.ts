/** The source of a pattern for 0-17, no part of a longer or a decimal number; digits may be pulled apart (`1 7`). */
export const minorDigits = String.raw`(?<![\d.,:/])(?:0?\d|1\s?[0-7])(?!\s?\d|[.,]\d)`;

/** Nothing countable follows. */
export const ageEnd = String.raw`(?=\s*(?:$|[,;.!?)\]\n]))`;

const countedUnits =
  'percent|degrees?|seconds?|minutes?|hours?|am|pm|o|meters?|metres?|feet|foot|inch|inches|miles?|mm|cm|km|kg|lbs?|pounds?|' +
  'euros?|dollars?|hundred|thousand|million|bit|stone|heads?|people|persons|lights?|lamps?|layers?|stars?|steps?|words|megapixels?|mp|k|x';

/** The number before is no amount and goes on in no way: `under 10 minutes`, `girl 16:9`. */
export const notCounted = String.raw`(?!\p{L}|\d|\s?[.,:/]\d|[\s.,'’-]{0,3}(?:%|(?:${countedUnits})\b)|\s(?:out\s)?of\s)`;
