const dateTime = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });

export const when = (rfc3339: string) => dateTime.format(new Date(rfc3339));

export const counted = (count: number, one: string, many: string) =>
  `${count.toLocaleString()} ${count === 1 ? one : many}`;

/** 0.0001 -> "1 in 10 000" */
export const oneIn = (rate: number) => `1 in ${Math.round(1 / rate).toLocaleString()}`;

export const similarityText = (similarity: number) => similarity.toFixed(3);
