import type { SignInOptions } from './lifecycle/create.ts';
import type { Data } from './lifecycle/data.ts';
import type { Code, EndingReason } from './lifecycle/errors.ts';
import type { ImpersonateOptions } from './lifecycle/impersonate.ts';
import type { Actor, Device, Factor, Pending } from './lifecycle/session.ts';
import type { StepUpOptions } from './lifecycle/step-up.ts';
import type { Token } from './lifecycle/token.ts';

/** Data as the application reads it: frozen, all the way down. */
export type DeepReadonly<T> = T extends (infer Item)[]
  ? readonly DeepReadonly<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: DeepReadonly<T[Key]> }
    : T;

export interface Write {
  readonly changesToken: boolean;
  /** Sign-in, sign-out and their like: only for a request that shows it comes from this site. */
  readonly needsEvidence: boolean;
}

/** How a session's token reaches the client of the request that holds it. */
export interface Carrier {
  /**
   * Before a write. Throws when it must not happen on this request: `response_started` when it would
   * change the token and the head is gone, `cross_site` where it needs same-origin evidence and there
   * is none. What it answers is called when the write is done with.
   */
  begin(write: Write): () => void;
  /** Hands a token to the client; `maxAge` in seconds where it outlives the browser. */
  issue(token: Token, maxAge: number | null): void;
  /** Takes the token from the client, at sign-out. */
  clear(): void;
  /** For the device list; `now` by the engine's clock. */
  device(now: number): Device | undefined;
  /** The request's body, read to its end. */
  body(): Promise<Response>;
  /** The client's address where it is known. */
  readonly address: string | null;
}

/** Why a request that brought a token has no live session. */
export interface Refusal {
  readonly code: Code;
  readonly reason: EndingReason | undefined;
  /** When the session ended, milliseconds since the epoch. */
  readonly at: number | undefined;
  readonly sessionId: string | undefined;
}

interface Every<D, P extends string> {
  /** Changes the data; durable when it resolves. Replayed when another request wrote first, so keep effects out. A visitor gets a session by it. */
  update(change: (draft: Partial<D>) => void): Promise<void>;
  /**
   * A new session with a new id for the subject; the one there was ends in the same step. `anyOrigin`:
   * the caller has checked that this browser began the sign-in, by `state` of an OAuth callback say.
   */
  signIn(subject: string, options?: SignInOptions<P> & { anyOrigin?: boolean }): Promise<void>;
  /** The password was right and a second factor is open: `pending` until `signIn` completes it. */
  beginSignIn(
    subject: string,
    options?: Pick<SignInOptions<P>, 'factor' | 'checkedAt'> & { anyOrigin?: boolean },
  ): Promise<void>;
  /** Signs out: ends the session at once and takes its token away. `false` when there was none to end. */
  terminate(options?: { reason?: EndingReason }): Promise<boolean>;
  /**
   * Looks the session up once more; throws the refusal when it has ended. Call it before an effect that cannot be
   * taken back. With `tx`, the `pg` client that has begun your transaction in the database of the `postgres` store,
   * the session cannot end before that transaction does; on other stores a gap of one call remains.
   */
  assertLive(options?: { tx?: unknown }): Promise<void>;
  /**
   * The request's body, read to its end, after which the session has been looked up once more: for
   * handlers that read it themselves (Fetch, Hono, `node:http`). Throws the refusal when it has ended.
   */
  body(): Promise<Response>;
  /** Whether the present permissions contain it. */
  has(permission: P): boolean;
  /** Why the token that came has no live session; `null` when it has, or when none came. */
  readonly refused: Refusal | null;
}

/** No session: a visitor without a record, or a token that was refused. */
export interface NoSession<D, P extends string> extends Every<D, P> {
  readonly state: 'none';
  readonly id: null;
  readonly subject: null;
  readonly pending: null;
  readonly permissions: readonly [];
  readonly data: DeepReadonly<Partial<D>>;
}

interface Live<D, P extends string> extends Every<D, P> {
  /** Public handle: safe to show, log and revoke by. */
  readonly id: string;
  readonly kind: string;
  readonly data: DeepReadonly<Partial<D>>;
  readonly permissions: readonly P[];
  readonly factors: readonly Factor[];
  readonly createdAt: number;
  readonly lastSeenAt: number;
  /** The idle limit as of this request. */
  readonly idleUntil: number;
  /** The absolute limit. */
  readonly expiresAt: number;
  /** Aborts when the session ends; the reason is a `SojournError`. */
  readonly signal: AbortSignal;
  /** A new secret now; the old one stays good until the new one has been seen and for the grace. */
  rotate(): Promise<void>;
  /** For a form's hidden field or a header, where the policy asks for one. Bound to this session. */
  readonly formToken: string;
  verifyFormToken(value: unknown): boolean;
}

export interface AnonymousSession<D, P extends string> extends Live<D, P> {
  readonly state: 'anonymous';
  readonly subject: null;
  readonly pending: Pending | null;
}

export interface SignedInSession<D, P extends string> extends Live<D, P> {
  readonly state: 'signed-in';
  readonly subject: string;
  readonly pending: null;
  readonly signedInAt: number;
  readonly device: Device | null;
  /** Who really acts, in an impersonation. */
  readonly actor: Pick<Actor, 'subject' | 'reason' | 'at' | 'until'> | null;
  /**
   * Records a fresh proof by this factor; the old token ends at once. Throws `subject_changed` for a proof that was
   * checked before the account changed.
   */
  stepUp(options: StepUpOptions): Promise<void>;
  impersonate(subject: string, options: ImpersonateOptions<P>): Promise<void>;
  stopImpersonating(): Promise<void>;
}

/** One visitor's session as one request holds it. */
export type Session<D = Data, P extends string = string> =
  | NoSession<D, P>
  | AnonymousSession<D, P>
  | SignedInSession<D, P>;
