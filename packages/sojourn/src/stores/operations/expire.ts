import type { Asked, Swept } from '../../lifecycle/ports.ts';
import type { SessionRecord } from '../../lifecycle/session.ts';
import { type InParts, sessionsAtOnce } from '../parts.ts';
import { dueAt, type Rows, retention } from '../rows.ts';
import { addAnonymous, endOne, expiryEnding, staysCounted } from './endings.ts';
import { checkInTime } from './in-time.ts';
import { readable } from './readable.ts';

const day = 86_400_000;

export function* sweep(rows: Rows, now: number, most: number, { until }: Asked = {}): InParts<Swept> {
  checkInTime(now, until);
  const lap: Lap = { expired: [], unreadable: [], removed: 0 };
  let left = most;
  for (;;) {
    const atOnce = Math.min(left, sessionsAtOnce);
    const due = rows.due(now, atOnce);
    for (const id of due) sweepOne(rows, now, id, lap);
    left -= due.length;
    if (left <= 0 || due.length < atOnce) break;
    checkInTime(yield, until);
  }
  const forgotten = rows.forgetEvents(now - retention, most);
  return { ...lap, removed: lap.removed + forgotten, more: left <= 0 || forgotten === most };
}

interface Lap {
  readonly expired: Pick<SessionRecord, 'id' | 'ending'>[];
  readonly unreadable: string[];
  removed: number;
}

function sweepOne(rows: Rows, now: number, id: string, lap: Lap): void {
  const record = readable(rows, id);
  if (record === null) {
    rows.defer(id, now + day);
    lap.unreadable.push(id);
  } else if (dueAt(record) > now) {
    // Touched or ended since: the lower bound that brought it here moves on.
    rows.replace(record);
  } else if (record.ending) {
    if (staysCounted(record)) addAnonymous(rows, record, -1);
    rows.remove(id);
    lap.removed += 1;
  } else {
    const { ending } = endOne(rows, record, expiryEnding(record, now), 'sweep');
    lap.expired.push({ id, ending });
  }
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
