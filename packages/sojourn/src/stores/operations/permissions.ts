import { eventOf } from '../../lifecycle/events.ts';
import { permissionChange } from '../../lifecycle/permissions.ts';
import type { WriteOptions } from '../../lifecycle/ports.ts';
import type { SessionRecord } from '../../lifecycle/session.ts';
import type { Rows } from '../rows.ts';
import { append } from './endings.ts';
import { checkInTime } from './in-time.ts';
import { buryUnreadable } from './readable.ts';
import { changeSubject } from './subjects.ts';

/**
 * Answers those that were changed, by a repeated one also those that it had changed the first time. All in one
 * step where the engine is this machine's: between parts of it another setting might be done, and be undone.
 */
export function setPermissions(
  rows: Rows,
  now: number,
  subject: string,
  permissions: readonly string[],
  { operation, until }: WriteOptions,
): SessionRecord[] {
  checkInTime(now, until);
  // Also those that look dead: a touch on its way may show that they are not.
  const live = rows.liveOf(subject);
  const before = live.filter(
    (record) => record.operation === operation && permissionChange(record, permissions) === null,
  );
  if (before.length === 0) changeSubject(rows, now, subject, {});
  buryUnreadable(rows, now, subject, live, { reason: 'revoked', by: 'system' });
  const changed: SessionRecord[] = [];
  for (const record of live) {
    const change = permissionChange(record, permissions);
    if (change === null) continue;
    const next = { ...record, ...change, version: record.version + 1, operation };
    rows.replace(next);
    append(rows, eventOf('permissions_changed', next, now, { permissions }));
    changed.push(next);
  }
  return [...before, ...changed];
}
