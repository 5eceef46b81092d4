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

/** Throws `cursor_lost` for a cursor of another epoch or of no engine at all. */
export function decodeCursor(cursor: string, epoch: string): number[] {
  const [of, text = ''] = cursor.split('.');
  const at = text.split('-').map((part) => (part === '' ? 0 : Number.parseInt(part, 36)));
  if (
    of !== epoch ||
    at.length !== partitions ||
    !at.every((position) => Number.isSafeInteger(position) && position >= 0)
  ) {
    throw cursorLost('it belongs to another store, or to one that was made anew');
  }
  return at;
}

export function cursorLost(why: string): SojournError {
  return new SojournError(
    'cursor_lost',
    `Events cannot be resumed from this cursor: ${why}. Start from the beginning.`,
  );
}
