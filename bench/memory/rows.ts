/* The words of the rows and columns of `memory`, from which `docs/capacity.md` is made. */

export const inEngine = (engine: string, sessions: number): string => `${engine}, ${sessions.toLocaleString('en')}`;
export const inNode = (engine: string, entries: number): string =>
  `${engine}, a node with ${entries.toLocaleString('en')} in its cache`;
export const pastRow = (engine: string): string => `${engine}, what an ended session leaves`;
export const columns = {
  session: 'bytes a session',
  entry: 'bytes an entry',
  tombstone: 'bytes of a tombstone',
  events: 'bytes of its events',
} as const;
