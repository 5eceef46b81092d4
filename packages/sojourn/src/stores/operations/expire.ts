import type { Asked, Swept } from '../../lifecycle/ports.ts';
import type { SessionRecord } from '../../lifecycle/session.ts';
import { dueAt, type Rows, retention } from '../rows.ts';
import { addAnonymous, endOne, expiryEnding, staysCounted } from './endings.ts';
import { checkInTime } from './in-time.ts';
import { readable } from './readable.ts';

const day = 86_400_000;

export function sweep(rows: Rows, now: number, most: number, { until }: Asked = {}): Swept {
  checkInTime(now, until);
  const expired: Pick<SessionRecord, 'id' | 'ending'>[] = [];
  let removed = 0;
  const unreadable: string[] = [];
  const due = rows.due(now, most);
  for (const id of due) {
    const record = readable(rows, id);
    if (record === null) {
      rows.defer(id, now + day);
      unreadable.push(id);
    } else if (dueAt(record) > now) {
      // Touched or ended since: the lower bound that brought it here moves on.
      rows.replace(record);
    } else if (record.ending) {
      if (staysCounted(record)) addAnonymous(rows, record, -1);
      rows.remove(id);
      removed += 1;
    } else {
      const { ending } = endOne(rows, record, expiryEnding(record, now), 'sweep');
      expired.push({ id, ending });
    }
  }
  const forgotten = rows.forgetEvents(now - retention, most);
  return { expired, unreadable, removed: removed + forgotten, more: due.length === most || forgotten === most };
}

/** A record under limits that may have become shorter; of a kind that no longer exists it has no lifetime. */
export function shortened(
  record: SessionRecord,
  { idle, absolute }: { readonly idle: number; readonly absolute: number } = { idle: 0, absolute: 0 },
): SessionRecord {
  return {
    ...record,
    idleTimeout: Math.min(record.idleTimeout, idle),
    expiresAt: Math.min(record.expiresAt, record.createdAt + absolute),
  };
}
