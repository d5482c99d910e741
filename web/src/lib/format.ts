const dateTime = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });

export const when = (rfc3339: string) => dateTime.format(new Date(rfc3339));

export const counted = (count: number, one: string, many: string) =>
  `${count.toLocaleString()} ${count === 1 ? one : many}`;

/** 0.0001 -> "1 in 10 000" */
export const oneIn = (rate: number) => `1 in ${Math.round(1 / rate).toLocaleString()}`;

export const similarityText = (similarity: number) => similarity.toFixed(3);

/** 31 500 000 -> "31.5 MB" */
export const megabytes = (bytes: number) =>
  `${(bytes / 1e6).toLocaleString(undefined, { maximumFractionDigits: 1 })} MB`;

/** 200 -> "3 min", 40 -> "40 s" */
export const duration = (seconds: number) =>
  seconds < 90 ? `${Math.max(1, Math.round(seconds))} s` : `${Math.round(seconds / 60)} min`;

/**
 * A name within a text that is no markup (a title, a label): what it holds of directional controls moves nothing
 * around it. In markup, `<bdi>` does the same.
 */
export const isolated = (name: string) => `\u2068${name.replace(/[\u202a-\u202e\u2066-\u2069]/g, '')}\u2069`;
