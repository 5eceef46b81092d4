import type { LogEntry } from 'sojourn';

/** As the library names its option, and as whoever runs the server sets it. */
const named = [
  ["createSessions({ origin: 'https://…' })", '--origin https://… or SOJOURN_ORIGIN'],
  ['Set origin in', 'Set --origin or SOJOURN_ORIGIN in'],
] as const;

/** Writes to the console, and names settings where the library names its options. */
export function log({ level, code, message, error }: LogEntry): void {
  const text = named.reduce((said, [option, setting]) => said.replace(option, setting), message);
  // Of a setting the text says all: the stack would only show where the library noticed.
  const rest = error === undefined || code === 'origin_missing' ? [] : [error];
  console[level](`sojourn ${code}: ${text}`, ...rest);
}
