import { SojournError } from '../lifecycle/errors.ts';
import { partitions } from '../lifecycle/token.ts';

/** Where a reader of events is: one position in each partition, in one life of the engine. */
export interface Positions {
  readonly epoch: string;
  readonly at: readonly number[];
}

/** Opaque to callers; only an engine of the same epoch can read it back. */
export function encodeCursor({ epoch, at }: Positions): string {
  return `${epoch}.${at.map((position) => (position === 0 ? '' : position.toString(36))).join('-')}`;
}

/**
 * The positions of a cursor. Throws `cursor_lost` for one of another epoch or of no engine at all, for
 * one before what is kept, and for one ahead of what there is, as after a restored backup.
 */
export function decodeCursor(
  cursor: string,
  { epoch, forgotten, counters }: { epoch: string; forgotten: readonly number[]; counters: readonly number[] },
): number[] {
  const parts = cursor.startsWith(`${epoch}.`) ? cursor.slice(epoch.length + 1).split('-') : [];
  const at = parts.map((part) => (/^[0-9a-z]{0,10}$/.test(part) ? Number.parseInt(part || '0', 36) : Number.NaN));
  if (at.length !== partitions || !at.every(Number.isSafeInteger)) {
    throw cursorLost('it belongs to another store, or to one that was made anew');
  }
  for (const [partition, position] of at.entries()) {
    if (position < (forgotten[partition] ?? 0)) throw cursorLost('events after it are past their retention of 28 days');
    if (position > (counters[partition] ?? 0)) throw cursorLost('it is ahead of this store, which may be a backup');
  }
  return at;
}

function cursorLost(why: string): SojournError {
  return new SojournError(
    'cursor_lost',
    `Events cannot be resumed from this cursor: ${why}. Start from the beginning.`,
  );
}
