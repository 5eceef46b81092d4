import { eventOf } from '../../lifecycle/events.ts';
import { permissionChange } from '../../lifecycle/permissions.ts';
import type { WriteOptions } from '../../lifecycle/ports.ts';
import type { SessionRecord } from '../../lifecycle/session.ts';
import { eachInParts, type InParts } from '../parts.ts';
import type { Rows } from '../rows.ts';
import { append } from './endings.ts';
import { checkInTime } from './in-time.ts';
import { liveOrBuried } from './readable.ts';
import { changeSubject } from './subjects.ts';

/** Answers those that were changed, by a repeated one also those that it had changed the first time. */
export function* setPermissions(
  rows: Rows,
  now: number,
  subject: string,
  permissions: readonly string[],
  { operation, until }: WriteOptions,
): InParts<SessionRecord[]> {
  checkInTime(now, until);
  const changed = rows
    .writtenBy(subject, operation)
    .filter((record) => record.ending === undefined && permissionChange(record, permissions) === null);
  if (changed.length === 0) changeSubject(rows, now, subject, {});
  const set = (id: string): void => {
    const record = liveOrBuried(rows, now, subject, id, { reason: 'revoked', by: 'system' });
    const change = record && permissionChange(record, permissions);
    if (record === null || change === null) return;
    const next = { ...record, ...change, version: record.version + 1, operation };
    rows.replace(next);
    append(rows, eventOf('permissions_changed', next, now, { permissions }));
    changed.push(next);
  };
  // Also those that look dead: a touch on its way may show that they are not.
  yield* eachInParts(rows.liveIds(subject), set, { until });
  return changed;
}
