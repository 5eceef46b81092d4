import { guard } from './guard.ts';
import {
  beginSignIn,
  createAnonymous,
  type Issued,
  type Requester,
  type SignInOptions,
  signIn,
} from './lifecycle/create.ts';
import { type Data, type Edit, firstData, parseData, update } from './lifecycle/data.ts';
import { type EndingReason, invalid, isError, SojournError } from './lifecycle/errors.ts';
import { limitsOf } from './lifecycle/expire.ts';
import { frozen } from './lifecycle/frozen.ts';
import { type ImpersonateOptions, impersonate, stopImpersonating } from './lifecycle/impersonate.ts';
import type { Held, Life } from './lifecycle/life.ts';
import { knownKeys } from './lifecycle/options.ts';
import { type CheckedRequirement, unmet, unmetError } from './lifecycle/permissions.ts';
import { kindOf } from './lifecycle/policy.ts';
import { readmit } from './lifecycle/readmit.ts';
import { refusalError } from './lifecycle/refusal.ts';
import { offer, unseal } from './lifecycle/rotate.ts';
import type { Actor, Device, Factor, Pending, SessionRecord } from './lifecycle/session.ts';
import type { Wait } from './lifecycle/signals.ts';
import { type StepUpOptions, stepUp } from './lifecycle/step-up.ts';
import { signOut } from './lifecycle/terminate.ts';
import { sameDigest, Token } from './lifecycle/token.ts';
import type { Tracked } from './lifecycle/track.ts';
import type { Carrier, DeepReadonly, Refusal, Write } from './session.ts';

/** What tells that a session has ended. */
export interface Ends {
  signal(record: SessionRecord): AbortSignal;
  wait(record: SessionRecord): Wait;
}

/** The one implementation of the three shapes; which of them it has follows from what was tracked. */
export class TrackedSession {
  readonly #life: Life;
  readonly #carrier: Carrier;
  readonly #ends: Ends;
  #held: Held | null;
  #secret: string | null;
  #refused: Refusal | null;
  #data: DeepReadonly<Data> | null = null;
  #unknown: SojournError | null = null;
  #signal: AbortSignal | null = null;
  readonly #beganAt: number;
  #queue: Promise<unknown> | null = null;

  constructor(life: Life, carrier: Carrier, ends: Ends, tracked: Tracked | null, secret: string | null) {
    this.#life = life;
    this.#carrier = carrier;
    this.#ends = ends;
    if (tracked?.state === 'admitted') {
      this.#held = tracked;
      this.#beganAt = tracked.seenAt;
      this.#secret = secret;
      this.#refused = null;
    } else {
      this.#held = null;
      this.#beganAt = life.store.now();
      this.#secret = null;
      this.#refused = tracked
        ? { code: tracked.code, reason: tracked.reason, at: tracked.at, sessionId: tracked.sessionId }
        : null;
    }
  }

  get state(): 'none' | 'anonymous' | 'signed-in' {
    if (this.#held === null) return 'none';
    return this.#held.record.subject === null ? 'anonymous' : 'signed-in';
  }

  get refused(): Refusal | null {
    return this.#refused;
  }

  get id(): string | null {
    return this.#held?.record.id ?? null;
  }

  get subject(): string | null {
    return this.#held?.record.subject ?? null;
  }

  get pending(): Pending | null {
    const pending = this.#held?.record.pending;
    return pending && this.#life.store.now() < pending.until ? pending : null;
  }

  get permissions(): readonly string[] {
    return this.#held?.permissions ?? [];
  }

  get kind(): string {
    return this.#live().record.kind;
  }

  get factors(): readonly Factor[] {
    return this.#live().record.factors;
  }

  get createdAt(): number {
    return this.#live().record.createdAt;
  }

  get signedInAt(): number | null {
    return this.#live().record.signedInAt;
  }

  get lastSeenAt(): number {
    const { record, usedAt } = this.#live();
    return Math.max(record.lastSeenAt, usedAt);
  }

  get idleUntil(): number {
    return this.lastSeenAt + limitsOf(this.#live().record, this.#life.policy).idleTimeout;
  }

  get expiresAt(): number {
    return limitsOf(this.#live().record, this.#life.policy).expiresAt;
  }

  get device(): Device | null {
    return this.#live().record.device ?? null;
  }

  get actor(): Pick<Actor, 'subject' | 'reason' | 'at' | 'until'> | null {
    const actor = this.#live().record.actor;
    return actor ? { subject: actor.subject, reason: actor.reason, at: actor.at, until: actor.until } : null;
  }

  get data(): DeepReadonly<Data> {
    this.#data ??= frozen(this.#held ? parseData(this.#held.record.data, this.#held.record.id) : {});
    return this.#data;
  }

  get signal(): AbortSignal {
    this.#signal ??= this.#ends.signal(this.#live().record);
    return this.#signal;
  }

  /** As `signal`, for somebody who says when they no longer wait. */
  wait(): Wait {
    if (this.#signal?.aborted) return { signal: this.#signal, release: () => {} };
    const wait = this.#ends.wait(this.#live().record);
    const ended = (): void => {
      // What has aborted must not be taken for another that has not.
      this.#signal ??= wait.signal;
    };
    wait.signal.addEventListener('abort', ended, { once: true });
    return wait;
  }

  get formToken(): string {
    return this.#live().record.formKey;
  }

  verifyFormToken(value: unknown): boolean {
    return (
      typeof value === 'string' && sameDigest(this.#life.hash.digest(value), this.#life.hash.digest(this.formToken))
    );
  }

  has(permission: string): boolean {
    return this.permissions.includes(permission);
  }

  /** What a rule that asks for this is missing; `null` when nothing. */
  unmet(requirement: CheckedRequirement): SojournError | null {
    if (this.#held === null || this.#held.record.subject === null) return this.#refusal();
    // Without a proof to judge the time is not asked: most rules are about a permission.
    const now = requirement.proof ? this.#life.store.now() : 0;
    const code = unmet(this.#held.record, this.#held.permissions, requirement, now);
    return code && unmetError(code, requirement, this.factors);
  }

  /** Seconds the cookie may outlive the browser by; `null` where it goes with it. */
  maxAge(): number | null {
    const { record } = this.#live();
    if (!kindOf(this.#life.policy, record.kind).persistent) return null;
    return (limitsOf(record, this.#life.policy).expiresAt - this.#life.store.now()) / 1000;
  }

  async update(change: Edit): Promise<void> {
    await this.#write({ changesToken: this.#held === null, needsEvidence: false }, async () => {
      if (this.#held !== null) {
        this.#hold(await update(this.#life, this.#held, change));
        return;
      }
      this.#refuseStraggler();
      const { policy } = this.#life;
      if (policy.anonymous === 'off') {
        throw new SojournError('sign_in_required', 'update: sign in first, policy.anonymous is off.');
      }
      this.#issue(await createAnonymous(this.#life, firstData(policy, change), this.#carrier.address));
    });
  }

  /** A visitor's record without data, where the policy is eager. Over the budget the visit goes on without one. */
  async begin(): Promise<void> {
    await this.#write({ changesToken: true, needsEvidence: false }, async () => {
      if (this.#held !== null) return;
      try {
        this.#issue(await createAnonymous(this.#life, '{}', this.#carrier.address));
      } catch (error) {
        if (!isError(error, 'anonymous_refused')) throw error;
      }
    });
  }

  async signIn(subject: string, options: SignInOptions & { anyOrigin?: boolean } = {}): Promise<void> {
    const { anyOrigin, ...given } = options;
    await this.#write({ changesToken: true, needsEvidence: !anyOrigin }, async () => {
      const device = given.device ?? this.#carrier.device(this.#life.store.now());
      const withDevice = device === undefined ? given : { ...given, device };
      this.#issue(await signIn(this.#life, this.#requester(), subject, withDevice));
    });
  }

  async beginSignIn(
    subject: string,
    options: Pick<SignInOptions, 'factor' | 'checkedAt'> & { anyOrigin?: boolean } = {},
  ): Promise<void> {
    const { anyOrigin, ...given } = options;
    await this.#write({ changesToken: true, needsEvidence: !anyOrigin }, async () => {
      this.#issue(await beginSignIn(this.#life, this.#requester(), subject, given));
    });
  }

  async stepUp(given: StepUpOptions): Promise<void> {
    await this.#write({ changesToken: true, needsEvidence: true }, async () => {
      this.#issue(await stepUp(this.#life, this.#live(), this.#beganAt, given));
    });
  }

  async impersonate(subject: string, options: ImpersonateOptions): Promise<void> {
    await this.#write({ changesToken: true, needsEvidence: true }, async () => {
      this.#issue(await impersonate(this.#life, this.#live(), subject, options));
    });
  }

  async stopImpersonating(): Promise<void> {
    await this.#write({ changesToken: true, needsEvidence: true }, async () => {
      this.#issue(await stopImpersonating(this.#life, this.#live()));
    });
  }

  async rotate(): Promise<void> {
    await this.#write({ changesToken: true, needsEvidence: false }, async () => {
      for (let held = this.#live(); ; held = await readmit(this.#life, held)) {
        const { record, digest } = held;
        // Fresh on this answer, or rotated by another request already.
        if (this.#secret === null || !sameDigest(record.secretHash, digest)) return;
        const waiting = unseal(this.#life, record, this.#secret);
        if (waiting !== null) {
          this.handOn(waiting);
          return;
        }
        const { updated, next } = await offer(this.#life, held, this.#secret);
        if (updated.outcome === 'updated') {
          this.#hold({ ...held, record: updated.record });
          this.handOn(next);
          return;
        }
      }
    });
  }

  async terminate(given: { reason?: EndingReason } = {}): Promise<boolean> {
    knownKeys('terminate', given, ['reason']);
    const { reason = 'signed_out' } = given;
    return this.#write({ changesToken: true, needsEvidence: true }, async () => {
      if (this.#held === null) {
        // The jar may hold the token that took this one's place: its session would live on unseen.
        if (this.#refused?.code === 'token_replaced') throw this.#refusal();
        return false;
      }
      const ended = await signOut(this.#life, this.#held, reason);
      this.#carrier.clear();
      this.#held = null;
      this.#secret = null;
      this.#data = null;
      return ended;
    });
  }

  async body(): Promise<Response> {
    const body = await this.#carrier.body();
    if (this.#held !== null) await this.assertLive();
    return body;
  }

  async assertLive(given: { tx?: unknown } = {}): Promise<void> {
    knownKeys('assertLive', given, ['tx']);
    const { tx } = given;
    // Without its lock, what the caller thinks is held would not be.
    if ('tx' in given && tx === undefined) throw invalid('assertLive: pass tx, or leave it out: it is undefined.');
    const held = this.#live();
    this.#life.near.bypassed('fresh');
    this.#hold(await readmit(this.#life, held, tx));
  }

  /** The store could not say whose token came: what this session would write is not known to be theirs. */
  refuseWrites(unknown: SojournError): void {
    this.#unknown = unknown;
  }

  /** The request's secret is the present one or its successor, not one in its grace. */
  isNewest(): boolean {
    const { record, digest } = this.#live();
    return sameDigest(record.secretHash, digest) || record.successor?.hash === digest;
  }

  /** Hands on the successor that tracking wrote or found waiting. */
  handOn(secret: string): void {
    this.#carrier.issue(new Token(this.#live().record.id, secret), this.maxAge());
  }

  #requester(): Requester {
    const replaced = this.#refused?.code === 'token_replaced' ? this.#refused.sessionId : undefined;
    return { held: this.#held, replacedId: replaced ?? null, beganAt: this.#beganAt };
  }

  /**
   * A request that was sent with a token which had just been replaced or ended must not make a
   * visitor of its sender: their jar may hold the newer token by now, and a visitor's would overwrite it.
   */
  #refuseStraggler(): void {
    const { code, at } = this.#refused ?? {};
    if (at === undefined || code?.startsWith('session_expired')) return;
    if (this.#life.store.now() - at < this.#life.policy.grace) throw this.#refusal();
  }

  #live(): Held {
    if (this.#held !== null) return this.#held;
    throw this.#refusal();
  }

  #refusal(): SojournError {
    const { code = 'sign_in_required', reason, at } = this.#refused ?? {};
    return refusalError({ state: 'refused', code, ...(reason ? { reason } : {}), ...(at ? { at } : {}) });
  }

  /** Writes of one request go one after another, so that two of them never make two sessions. */
  async #write<T>(write: Write, run: () => Promise<T>): Promise<T> {
    if (this.#unknown) throw this.#unknown;
    const done = this.#carrier.begin(write);
    const result = (this.#queue ?? Promise.resolve()).then(run).finally(done);
    this.#queue = result.catch(() => undefined);
    return result;
  }

  #hold(held: Held): void {
    this.#held = held;
    this.#data = null;
    this.#refused = null;
  }

  #issue(issued: Issued): void {
    if (issued.record.id !== this.id) this.#signal = null;
    this.#hold(issued);
    this.#secret = null;
    this.#carrier.issue(issued.token, this.maxAge());
  }
}

guard(TrackedSession.prototype);

/** What the bindings ask of a session and applications do not. */
export interface Internals {
  unmet(requirement: CheckedRequirement): SojournError | null;
  begin(): Promise<void>;
  refuseWrites(unknown: SojournError): void;
  isNewest(): boolean;
  maxAge(): number | null;
}

export function internalsOf(session: object): Internals {
  if (session instanceof TrackedSession) return session;
  throw new TypeError('not a session of this library');
}

/** Whether a look-up has its answer already. To ask whether it is a promise would go the long way through the guard. */
export function isFound<S extends object>(found: S | Promise<S>): found is S {
  return found instanceof TrackedSession;
}
