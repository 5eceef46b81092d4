import { eventOf } from '../../lifecycle/events.ts';
import { permissionChange } from '../../lifecycle/permissions.ts';
import type { WriteOptions } from '../../lifecycle/ports.ts';
import type { Rows } from '../rows.ts';
import { append } from './endings.ts';
import { checkInTime } from './in-time.ts';
import { buryUnreadable } from './readable.ts';
import { changeSubject } from './subjects.ts';

export function setPermissions(
  rows: Rows,
  now: number,
  subject: string,
  permissions: readonly string[],
  { operation, until }: WriteOptions,
): number {
  checkInTime(now, until);
  changeSubject(rows, now, subject, {});
  buryUnreadable(rows, now, subject, { reason: 'revoked', by: 'system' });
  let changed = 0;
  for (const record of rows.liveOf(subject)) {
    // Also of one that looks dead: a touch on its way may show that it is not.
    const change = permissionChange(record, permissions);
    if (change === null) continue;
    const next = { ...record, ...change, version: record.version + 1, operation };
    rows.replace(next);
    append(rows, eventOf('permissions_changed', next, now, { permissions }));
    changed += 1;
  }
  return changed;
}
