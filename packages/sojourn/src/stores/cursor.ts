import { SojournError } from '../lifecycle/errors.ts';
import { partitions } from '../lifecycle/token.ts';

/** Where a reader of events is: one position in each partition, in one life of the engine. */
export interface Positions {
  readonly epoch: string;
  readonly at: readonly number[];
  /**
   * Of an engine that may lose its last writes and count on: what tells the event at each position from
   * another that is given the same number later. Empty where nothing is known of it.
   */
  readonly marks?: readonly string[];
}

const markWidth = 4;

/** As much of the mark of a write as a cursor carries. */
export function shortMark(mark: string): string {
  return mark.length < markWidth ? '' : mark.slice(0, markWidth).replace(/[-_]/g, '0');
}

/** Opaque to callers; only an engine of the same epoch can read it back. */
export function encodeCursor({ epoch, at, marks = [] }: Positions): string {
  const parts = at.map((position, partition) => {
    const mark = marks[partition] ?? '';
    return `${position === 0 ? '' : position.toString(36)}${mark === '' ? '' : `.${mark}`}`;
  });
  return `${epoch}.${parts.join('-')}`;
}

/** What a cursor says. Throws `cursor_lost` for one of another epoch or of no engine at all. */
export function readCursor(cursor: string, epoch: string): Required<Positions> {
  const parts = cursor.startsWith(`${epoch}.`) ? cursor.slice(epoch.length + 1).split('-') : [];
  const matches = parts.map((part) => /^([0-9a-z]{0,10})(?:\.([0-9A-Za-z]{4}))?$/.exec(part));
  const at = matches.map((match) => (match ? Number.parseInt(match[1] || '0', 36) : Number.NaN));
  if (at.length !== partitions || !at.every(Number.isSafeInteger)) {
    throw cursorLost('it belongs to another store, or to one that was made anew');
  }
  return { epoch, at, marks: matches.map((match) => match?.[2] ?? '') };
}

/**
 * The positions of a cursor. Throws `cursor_lost` for one of another epoch or of no engine at all, for
 * one before what is kept, and for one ahead of what there is, as after a restored backup.
 */
export function decodeCursor(
  cursor: string,
  { epoch, forgotten, counters }: { epoch: string; forgotten: readonly number[]; counters: readonly number[] },
): number[] {
  const { at } = readCursor(cursor, epoch);
  for (const [partition, position] of at.entries()) {
    if (position < (forgotten[partition] ?? 0)) throw cursorLost('events after it are past their retention of 28 days');
    if (position > (counters[partition] ?? 0)) throw cursorLost('it is ahead of this store, which may be a backup');
  }
  return [...at];
}

export function cursorLost(why: string): SojournError {
  return new SojournError(
    'cursor_lost',
    `Events cannot be resumed from this cursor: ${why}. Start from the beginning.`,
  );
}
