import { eventOf } from '../../lifecycle/events.ts';
import type { Created, CreateOptions, SubjectRecord } from '../../lifecycle/ports.ts';
import { type Ending, isLive, type NewSession, type SessionRecord, stamped } from '../../lifecycle/session.ts';
import type { Rows } from '../rows.ts';
import { addAnonymous, append, ending, endOne, expiryEnding } from './endings.ts';
import { shortened } from './expire.ts';
import { checkInTime } from './in-time.ts';
import { keptNow } from './subjects.ts';

export function create(rows: Rows, now: number, session: NewSession, options: CreateOptions): Created {
  checkInTime(now, options.until);
  const repeated = rows.session(session.id);
  if (repeated && isLive(repeated, now)) return { outcome: 'created', record: repeated, ended: [] };
  const replaced = options.replaces ? rows.session(options.replaces.id) : null;
  const overtaken = options.replaces ? overtakenBy(replaced, now, options.replaces.version) : null;
  if (overtaken) return overtaken;
  // Ended meanwhile, or withdrawn by an engine that makes it in parts: another id begins anew.
  if (repeated) return { outcome: 'conflict' };
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

/** What the session to replace has become, if it is no longer what was handed over. */
function overtakenBy(replaced: SessionRecord | null, now: number, version: number): Created | null {
  if (replaced === null || !isLive(replaced, now)) return { outcome: 'gone', record: replaced };
  return replaced.version === version ? null : { outcome: 'conflict' };
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
