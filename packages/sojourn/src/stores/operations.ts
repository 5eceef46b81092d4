import { SojournError } from '../lifecycle/errors.ts';
import { eventOf, type SessionEvent, terminalEvent } from '../lifecycle/events.ts';
import { permissionChange } from '../lifecycle/permissions.ts';
import type {
  Change,
  Created,
  CreateOptions,
  EndAllOptions,
  Ended,
  EndOptions,
  Notice,
  SubjectRecord,
  Swept,
  Touch,
  Updated,
  UpdateOptions,
  WriteOptions,
} from '../lifecycle/ports.ts';
import {
  type Ending,
  isLive,
  liveUntil,
  type NewSession,
  type SessionRecord,
  stamped,
  tombstone,
} from '../lifecycle/session.ts';
import { partitionOf } from '../lifecycle/token.ts';
import { type Rows, retention } from './rows.ts';

const day = 86_400_000;

/*
 * What each writing operation of the store port does on an embedded engine. Memory runs it in one turn
 * of the event loop, SQLite in one transaction; `now` is the engine's time inside that step.
 */

export function create(rows: Rows, now: number, session: NewSession, options: CreateOptions): Created {
  const repeated = rows.session(session.id);
  if (repeated) return { outcome: 'created', record: repeated, ended: [] };
  const replaced = options.replaces ? rows.session(options.replaces.id) : null;
  if (options.replaces) {
    if (replaced === null || !isLive(replaced, now)) return { outcome: 'gone', record: replaced };
    if (replaced.version !== options.replaces.version) return { outcome: 'conflict' };
  }
  const making =
    session.subject === null ? anonymousFits(rows, options) : subjectFits(rows, now, session.subject, options);
  if ('outcome' in making) return making;

  const ended = making.end.map(({ record, why }) => endOne(rows, record, why, options.operation));
  if (making.takeKept) rows.putSubject({ ...making.takeKept, kept: undefined });
  if (replaced) {
    const by = session.actor?.subject ?? session.subject ?? 'visitor';
    const why = { ...ending(replaced, 'replaced', now, by), replacedBy: session.id };
    ended.push(endOne(rows, replaced, why, options.operation));
  }
  const record = stamped(session, now);
  rows.insert(record);
  addAnonymous(rows, record, 1);
  append(rows, eventOf(record.subject === null ? 'created' : 'signed_in', record, now));
  return { outcome: 'created', record, ended };
}

/** What creating a session does to others, decided before anything is written. */
interface Making {
  readonly end: readonly { readonly record: SessionRecord; readonly why: Ending }[];
  readonly takeKept: SubjectRecord | null;
}

function anonymousFits(rows: Rows, { mostAnonymous }: CreateOptions): Making | Created {
  if (mostAnonymous !== Number.POSITIVE_INFINITY && rows.countAnonymous() >= mostAnonymous) {
    return { outcome: 'anonymous_full' };
  }
  return { end: [], takeKept: null };
}

function subjectFits(rows: Rows, now: number, subject: string, options: CreateOptions): Making | Created {
  const known = rows.subject(subject);
  const refused = refusedSubject(known, now, options);
  // A change in the future was written before the clock was set back: it refuses once and no more.
  if (known && known.changedAt > now) rows.putSubject({ ...known, changedAt: now });
  if (refused) return { outcome: refused };
  const { dead, over } = overLimit(rows.liveOf(subject), now, options);
  if (over === null) return { outcome: 'limit_reached' };
  return {
    end: [
      ...dead.map((record) => ({ record, why: expiryEnding(record, now) })),
      ...over.map((record) => ({ record, why: ending(record, 'limit_reached', now, subject) })),
    ],
    takeKept: options.kept !== undefined && known?.kept ? known : null,
  };
}

function refusedSubject(
  known: SubjectRecord | null,
  now: number,
  { checkedAt, kept }: CreateOptions,
): 'subject_changed' | 'conflict' | null {
  if (known === null) return null;
  if (known.disabled || known.changedAt >= checkedAt) return 'subject_changed';
  return kept === undefined || kept === (keptNow(known, now)?.id ?? null) ? null : 'conflict';
}

/** Kept data that has not outlived the session it came from. */
export function keptNow(subject: SubjectRecord, now: number): SubjectRecord['kept'] {
  return subject.kept && now < subject.kept.until ? subject.kept : undefined;
}

/** Which sessions to end so that one more fits, `null` when the policy refuses instead. The dead do not count. */
function overLimit(
  live: readonly SessionRecord[],
  now: number,
  { limit, replaces, kinds }: CreateOptions,
): { dead: SessionRecord[]; over: SessionRecord[] | null } {
  if (limit.most === Number.POSITIVE_INFINITY) return { dead: [], over: [] };
  const others = live.filter(({ id, actor }) => id !== replaces?.id && actor === undefined);
  const lives = (record: SessionRecord): boolean => isLive(shortened(record, kinds[record.kind]), now);
  const dead = others.filter((record) => !lives(record));
  const counted = others.filter(lives);
  const excess = counted.length + 1 - limit.most;
  if (excess <= 0) return { dead, over: [] };
  if (limit.over === 'refuse') return { dead, over: null };
  const age = limit.over === 'end-idlest' ? 'lastSeenAt' : 'createdAt';
  return { dead, over: counted.sort((a, b) => a[age] - b[age]).slice(0, excess) };
}

/** A record under limits that may have become shorter; of a kind that no longer exists it has no lifetime. */
function shortened(
  record: SessionRecord,
  { idle, absolute }: { readonly idle: number; readonly absolute: number } = { idle: 0, absolute: 0 },
): SessionRecord {
  return {
    ...record,
    idleTimeout: Math.min(record.idleTimeout, idle),
    expiresAt: Math.min(record.expiresAt, record.createdAt + absolute),
  };
}

export function update(
  rows: Rows,
  now: number,
  id: string,
  version: number,
  change: Change,
  { operation, seenAt, events }: UpdateOptions,
): Updated {
  const found = rows.session(id);
  if (found === null || found.ending) return { outcome: 'gone' };
  if (found.operation === operation) return { outcome: 'updated', record: found };
  const current = seenAt > found.lastSeenAt && seenAt < liveUntil(found) ? { ...found, lastSeenAt: seenAt } : found;
  if (!isLive(current, now)) return { outcome: 'gone' };
  if (current.version !== version) return { outcome: 'conflict' };
  const record: SessionRecord = { ...current, ...withoutUnset(change), version: version + 1, operation };
  rows.replace(record);
  const partition = partitionOf(id);
  if (events.length === 0) rows.next(partition);
  for (const { type, ...more } of events) append(rows, eventOf(type, record, now, more));
  return { outcome: 'updated', record };
}

/** TypeScript's optional fields admit no explicit `undefined`; here it means "remove", which JSON does. */
function withoutUnset(change: Change): Partial<SessionRecord> {
  return change as Partial<SessionRecord>;
}

export function touch(rows: Rows, touches: readonly Touch[]): void {
  for (const { id, seenAt } of touches) {
    const record = readable(rows, id);
    if (record && !record.ending && seenAt > record.lastSeenAt && seenAt < liveUntil(record)) rows.seen(id, seenAt);
  }
}

export function end(rows: Rows, now: number, id: string, options: EndOptions): Ended | null {
  const record = rows.session(id);
  if (record === null) return null;
  if (record.ending) return { ended: record.operation === options.operation, record };
  if (options.ifExpired) {
    const { idleTimeout, lifetime } = options.ifExpired;
    const limited = shortened(record, { idle: idleTimeout, absolute: lifetime });
    if (isLive(limited, now)) return { ended: false, record };
  }
  if (options.verdict) append(rows, eventOf(options.verdict, record, now));
  if (options.keepData) keepData(rows, record);
  return {
    ended: true,
    record: endOne(rows, record, ending(record, options.reason, now, options.by), options.operation),
  };
}

function keepData(rows: Rows, record: SessionRecord): void {
  if (record.subject === null || record.data === '{}') return;
  const kept = { id: record.id, data: record.data, until: record.expiresAt };
  rows.putSubject({ ...subjectOf(rows, record.subject), kept });
}

export function endAll(rows: Rows, now: number, subject: string, options: EndAllOptions): SessionRecord[] {
  changeSubject(rows, now, subject, options.disable ? { disabled: true } : {});
  buryUnreadable(rows, now, subject, options);
  return rows
    .liveOf(subject)
    .filter(({ id }) => id !== options.except)
    .map((record) =>
      endOne(
        rows,
        record,
        isLive(record, now) ? ending(record, options.reason, now, options.by) : expiryEnding(record, now),
        options.operation,
      ),
    );
}

/** The record, or `null` also where it cannot be read: one such row must not stop what is about others. */
function readable(rows: Rows, id: string): SessionRecord | null {
  try {
    return rows.session(id);
  } catch (error) {
    if (error instanceof SojournError) return null;
    throw error;
  }
}

/** What cannot be read cannot be changed, so it ends: a newer release sees the row as ended, too. */
function buryUnreadable(
  rows: Rows,
  now: number,
  subject: string,
  { reason, by, except }: Pick<EndAllOptions, 'reason' | 'by' | 'except'>,
): void {
  for (const { id, kind, ended } of rows.unreadableOf(subject)) {
    if (ended || id === except) continue;
    rows.bury(id, now + retention);
    append(rows, { type: 'terminated', at: now, sessionId: id, subject, kind, reason, by });
  }
}

export function enable(rows: Rows, now: number, subject: string): void {
  changeSubject(rows, now, subject, { disabled: false });
}

export function setPermissions(
  rows: Rows,
  now: number,
  subject: string,
  permissions: readonly string[],
  { operation }: WriteOptions,
): number {
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

export function purge(rows: Rows, now: number, subject: string, options: WriteOptions): SessionRecord[] {
  const ended = endAll(rows, now, subject, { reason: 'purged', by: 'system', ...options });
  for (const { id } of [...rows.tombstonesOf(subject), ...rows.unreadableOf(subject)]) rows.remove(id);
  rows.eraseEvents(subject);
  rows.putSubject({ ...subjectOf(rows, subject), kept: undefined });
  return ended;
}

export function sweep(rows: Rows, now: number, most: number): Swept {
  const expired: Pick<SessionRecord, 'id' | 'ending'>[] = [];
  let removed = 0;
  const unreadable: string[] = [];
  const due = rows.due(now, most);
  for (const id of due) {
    const record = readable(rows, id);
    if (record === null) {
      rows.defer(id, now + day);
      unreadable.push(id);
    } else if (record.ending) {
      if (staysCounted(record)) addAnonymous(rows, record, -1);
      rows.remove(id);
      removed += 1;
    } else if (isLive(record, now)) {
      // Touched since: the lower bound that brought it here moves on.
      rows.replace(record);
    } else {
      const { ending } = endOne(rows, record, expiryEnding(record, now), 'sweep');
      expired.push({ id, ending });
    }
  }
  const forgotten = rows.forgetEvents(now - retention, most);
  return { expired, unreadable, removed: removed + forgotten, more: due.length === most || forgotten === most };
}

export function note(rows: Rows, now: number, notices: readonly Notice[]): void {
  for (const { id, code, count } of notices) {
    const record = readable(rows, id);
    if (record) append(rows, eventOf('noticed', record, now, { code, count }));
  }
}

function subjectOf(rows: Rows, subject: string): SubjectRecord {
  return rows.subject(subject) ?? { subject, changedAt: 0, disabled: false };
}

function changeSubject(rows: Rows, now: number, subject: string, change: { disabled?: boolean }): void {
  const known = subjectOf(rows, subject);
  rows.putSubject({ ...known, ...change, changedAt: Math.max(now, known.changedAt) });
}

/** Times in a record never go back, also when the machine's clock does. */
function ending(record: SessionRecord, reason: Ending['reason'], now: number, by: string): Ending {
  return { reason, at: Math.max(now, record.lastSeenAt), by };
}

function expiryEnding(record: SessionRecord, now: number): Ending {
  const reason = now >= record.expiresAt ? 'session_expired_absolute' : 'session_expired_idle';
  return ending(record, reason, now, 'clock');
}

function endOne(rows: Rows, record: SessionRecord, why: Ending, operation: string): SessionRecord {
  const ended = tombstone(record, why, operation);
  rows.replace(ended);
  if (!staysCounted(ended)) addAnonymous(rows, record, -1);
  append(rows, terminalEvent(ended));
  return ended;
}

/** A visitor's session that was ended early counts to its limit, or ending each would make room for ever more. */
function staysCounted({ ending }: SessionRecord): boolean {
  return ending !== undefined && ending.reason !== 'replaced' && ending.by !== 'clock';
}

function addAnonymous(rows: Rows, { id, subject }: SessionRecord, change: 1 | -1): void {
  if (subject === null) rows.addAnonymous(partitionOf(id), change);
}

/** An event takes its number from the same counter as the change it goes with, so their order is commit order. */
function append(rows: Rows, event: SessionEvent): void {
  const partition = partitionOf(event.sessionId);
  rows.append({ partition, number: rows.next(partition), event });
}
