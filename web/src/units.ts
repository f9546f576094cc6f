// Units as types, so that seconds are never added to nanoseconds. A branded number is a plain
// number at run time; only the functions here and the API boundary make one.

declare const unit: unique symbol;
type Unit<Name extends string> = number & { readonly [unit]: Name };

/** Seconds since 1970-01-01 UTC, fractions allowed. */
export type UnixSeconds = Unit<"unix seconds">;
/** A length of time in seconds. */
export type Seconds = Unit<"seconds">;
/** A measured amount in the unit of its profile type (nanoseconds or a count). */
export type Value = Unit<"value">;
/** A part of a whole, 0 to 1. */
export type Share = Unit<"share">;
/** Amount per time: CPU cores, waiting threads or samples per second. */
export type Rate = Unit<"rate">;
/** CSS pixels. */
export type Pixels = Unit<"pixels">;

export const unixSeconds = (n: number) => n as UnixSeconds;
export const seconds = (n: number) => n as Seconds;
export const value = (n: number) => n as Value;
export const pixels = (n: number) => n as Pixels;

export const since = (from: UnixSeconds, until: UnixSeconds) => (until - from) as Seconds;

/** `part` of `whole`; an empty whole has no parts. */
export const shareOf = (part: number, whole: number) => (whole > 0 ? part / whole : 0) as Share;

const NANOS_PER_SECOND = 1e9;

/** Average rate of `amount` over `over`: nanoseconds become cores, counts become counts a second. */
export function rateOf(amount: number, unitName: string, over: Seconds): Rate {
  if (over <= 0) return 0 as Rate;
  const perSecond = amount / over;
  return (unitName === "nanoseconds" ? perSecond / NANOS_PER_SECOND : perSecond) as Rate;
}
