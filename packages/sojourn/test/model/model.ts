import type { EndingReason } from '../../src/lifecycle/errors.ts';

/*
 * What Sojourn promises, written down a second time: small, slow, without a store and without a
 * thought of efficiency. The commands drive it and the library alike and compare the two.
 */

interface Limits {
  readonly idle: number;
  readonly absolute: number;
  readonly anonymousAbsolute: number;
  readonly touch: number;
  readonly rotateEvery: number;
  readonly grace: number;
  readonly limit: number;
  readonly mostAnonymous: number;
}

const minute = 60_000;
const hour = 60 * minute;

export const policy: Limits = {
  idle: 30 * minute,
  absolute: 12 * hour,
  anonymousAbsolute: 2 * hour,
  touch: minute,
  rotateEvery: hour,
  grace: 30_000,
  limit: 3,
  mostAnonymous: 2,
};

export interface Retired {
  readonly token: string;
  readonly until: number;
  readonly replaced: boolean;
  readonly lacks: readonly string[];
}

export interface ModelSession {
  readonly id: string;
  readonly subject: string | null;
  readonly createdAt: number;
  readonly expiresAt: number;
  /** Last seen as written, and as noticed since but not written yet. */
  seen: number;
  noticed: number | null;
  rotatedAt: number;
  current: string;
  successor: string | null;
  retired: Retired[];
  permissions: string[];
  grants: string[];
  n: number | null;
  ended: { reason: EndingReason; at: number; replacedBy?: string } | null;
  /** Somebody with a copy of one of its tokens has come with it. */
  copied: boolean;
  /** When the process that waits for its end looks it up next. */
  lookAt: number | null;
}

export interface ModelSubject {
  changedAt: number;
  disabled: boolean;
  kept: { n: number; until: number } | null;
}

/** What becomes of a token that is presented. */
export type Verdict =
  | { readonly is: 'admitted'; readonly session: ModelSession; readonly permissions: readonly string[] }
  | {
      readonly is: 'refused';
      readonly code: string;
      readonly session: ModelSession | null;
      readonly at: number | null;
    };

export class Model {
  now: number;
  readonly sessions: Map<string, ModelSession> = new Map();
  readonly subjects: Map<string, ModelSubject> = new Map();
  /** Sessions of which nothing is known any more. */
  readonly forgotten: Set<string> = new Set();

  constructor(now: number) {
    this.now = now;
  }

  subject(name: string): ModelSubject {
    const known = this.subjects.get(name) ?? { changedAt: 0, disabled: false, kept: null };
    this.subjects.set(name, known);
    return known;
  }

  liveUntil({ seen, expiresAt }: ModelSession): number {
    return Math.min(seen + policy.idle, expiresAt);
  }

  isLive(session: ModelSession): boolean {
    return session.ended === null && this.now < this.liveUntil(session);
  }

  liveOf(subject: string): ModelSession[] {
    return [...this.sessions.values()].filter((session) => session.subject === subject && session.ended === null);
  }

  /** A sign-in of now. */
  refusesSignIn(name: string): boolean {
    const { disabled, changedAt } = this.subject(name);
    return disabled || changedAt >= this.now;
  }

  /** Everything noticed is written. */
  flush(): void {
    for (const session of this.sessions.values()) {
      const { noticed } = session;
      if (noticed !== null && session.ended === null && noticed < this.liveUntil(session)) {
        session.seen = Math.max(session.seen, noticed);
      }
      session.noticed = null;
    }
  }

  /** The process is gone, and what it had only noticed. */
  crash(): void {
    for (const session of this.sessions.values()) {
      session.noticed = null;
      session.lookAt = null;
    }
  }

  /** Somebody waits for the end: it is looked up now and at its limit, after all that was noticed is written. */
  wait(session: ModelSession): void {
    if (session.lookAt !== null) return;
    this.flush();
    session.lookAt = this.liveUntil(session);
  }

  /** What is waited for is looked up where its time has come. Answers whether any was. */
  look(): boolean {
    const due = [...this.sessions.values()].filter(({ lookAt }) => lookAt !== null && this.now >= lookAt);
    if (due.length > 0) this.flush();
    for (const session of due) {
      session.lookAt = this.liveUntil(session);
      if (session.ended === null && !this.isLive(session)) this.endExpired(session);
    }
    return due.length > 0;
  }

  /** Visitors that count: one that was ended early counts until it is forgotten, or ending them would make room for ever more. */
  get visitors(): number {
    const counts = ({ id, subject, ended }: ModelSession): boolean =>
      subject === null && !this.forgotten.has(id) && !/^replaced|^session_expired/.test(ended?.reason ?? '');
    return [...this.sessions.values()].filter(counts).length;
  }

  end(session: ModelSession, reason: EndingReason, replacedBy?: string): void {
    if (session.ended) throw new Error(`${session.id} ended twice`);
    const at = Math.max(this.now, session.seen);
    session.ended = { reason, at, ...(replacedBy ? { replacedBy } : {}) };
    session.permissions = [];
    session.grants = [];
    session.n = null;
    session.lookAt = null;
  }

  endExpired(session: ModelSession): void {
    this.end(session, this.now >= session.expiresAt ? 'session_expired_absolute' : 'session_expired_idle');
  }

  /** A write by a request of now. */
  wrote(session: ModelSession): void {
    session.seen = Math.max(session.seen, this.now);
  }

  rotationDue(session: ModelSession): boolean {
    if (session.subject === null) return false;
    return session.grants.length > 0 || this.now - session.rotatedAt >= policy.rotateEvery;
  }

  /** The session of a token and where in its history the token stands. */
  find(token: string): { session: ModelSession; place: 'current' | 'successor' | number } | null {
    for (const session of this.sessions.values()) {
      if (this.forgotten.has(session.id)) continue;
      if (session.current === token) return { session, place: 'current' };
      if (session.successor === token) return { session, place: 'successor' };
      const index = session.retired.findIndex((retired) => retired.token === token);
      if (index >= 0) return { session, place: index };
    }
    return null;
  }

  present(token: string | null): Verdict {
    const found = token === null ? null : this.find(token);
    if (found === null) return { is: 'refused', code: 'sign_in_required', session: null, at: null };
    const { session, place } = found;
    if (!session.ended && !this.isLive(session)) this.flush();
    if (!session.ended && !this.isLive(session)) this.endExpired(session);
    if (session.ended) return this.#refused(session);
    if (place === 'current') return this.#admitted(session);
    if (place === 'successor') {
      this.#promote(session);
      return this.#admitted(session);
    }
    return this.#presentRetired(session, place);
  }

  #presentRetired(session: ModelSession, index: number): Verdict {
    const retired = session.retired[index];
    if (retired === undefined) throw new Error('no such secret');
    const superseded = session.retired.slice(0, index).some(({ replaced }) => replaced);
    if (retired.replaced || (this.now < retired.until && superseded)) {
      return { is: 'refused', code: 'token_replaced', session, at: session.rotatedAt };
    }
    if (this.now < retired.until) return this.#admitted(session, retired.lacks);
    if (index === 0 && session.subject !== null && session.n !== null) {
      this.subject(session.subject).kept = { n: session.n, until: session.expiresAt };
    }
    this.end(session, index === 0 ? 'rotation_lost' : 'reuse_detected');
    return this.#refused(session);
  }

  /** The same token again, of a request admitted at `since` that is still under way. */
  readmit(session: ModelSession, token: string, since: number): string | null {
    if (this.forgotten.has(session.id)) return 'sign_in_required';
    if (!session.ended && this.now >= Math.min(Math.max(session.seen, since) + policy.idle, session.expiresAt)) {
      this.flush();
      if (!this.isLive(session)) this.endExpired(session);
    }
    if (session.ended) return this.#refused(session).code;
    if (session.current === token || session.successor === token) return null;
    const index = session.retired.findIndex((retired) => retired.token === token);
    const newest = session.retired.slice(0, index + 1);
    const inGrace = since < (session.retired[index]?.until ?? 0) && !newest.some(({ replaced }) => replaced);
    return inGrace ? null : 'token_replaced';
  }

  #admitted(session: ModelSession, lacks: readonly string[] = []): Verdict {
    if (this.now - session.seen >= policy.touch) session.noticed = this.now;
    const permissions = session.permissions.filter((name) => !lacks.includes(name));
    return { is: 'admitted', session, permissions };
  }

  #refused(session: ModelSession): Extract<Verdict, { is: 'refused' }> {
    const { reason, at } = session.ended ?? { reason: 'revoked', at: 0 };
    const told = ['session_expired_idle', 'session_expired_absolute', 'rotation_lost', 'reuse_detected'].includes(
      reason,
    );
    const code = told ? reason : reason === 'replaced' ? 'token_replaced' : 'session_terminated';
    return { is: 'refused', code, session, at };
  }

  #promote(session: ModelSession): void {
    session.retired.unshift({
      token: session.current,
      until: this.now + policy.grace,
      replaced: false,
      lacks: session.grants,
    });
    session.current = session.successor ?? '';
    session.successor = null;
    session.rotatedAt = this.now;
    session.permissions = [...session.permissions, ...session.grants];
    session.grants = [];
    this.wrote(session);
  }

  create(given: Pick<ModelSession, 'id' | 'subject' | 'current' | 'permissions' | 'n'>): ModelSession {
    const lifetime = given.subject === null ? policy.anonymousAbsolute : policy.absolute;
    const session: ModelSession = {
      ...given,
      createdAt: this.now,
      expiresAt: this.now + lifetime,
      seen: this.now,
      noticed: null,
      rotatedAt: this.now,
      successor: null,
      retired: [],
      grants: [],
      ended: null,
      copied: false,
      lookAt: null,
    };
    this.sessions.set(session.id, session);
    return session;
  }

  /** Laps until nothing is due: a visitor's session that ends at its limit is not remembered beyond it. */
  sweep(): void {
    this.flush();
    for (const session of this.sessions.values()) {
      if (session.ended === null && !this.isLive(session)) this.endExpired(session);
      if (session.ended === null) continue;
      const least = session.subject === null ? 0 : session.ended.at + 24 * hour;
      if (this.now >= Math.max(session.expiresAt, least)) this.forgotten.add(session.id);
    }
  }
}
