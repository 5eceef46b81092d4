/** How a node reaches its engine. */
export type Reach =
  | { readonly engine: 'sqlite'; readonly path: string }
  | { readonly engine: 'redis'; readonly url: string }
  | { readonly engine: 'sentinel'; readonly ports: readonly number[] }
  | { readonly engine: 'cluster'; readonly urls: readonly string[] }
  | { readonly engine: 'postgres'; readonly url: string };

export interface NodeSettings {
  readonly reach: Reach;
  readonly bound: number;
  readonly limit: number;
  /** How far this node's wall clock is ahead, in milliseconds. */
  readonly ahead: number;
  /** It only follows the events, from this cursor on. */
  readonly follow?: { readonly after: string | null };
}

/** What a node is asked. */
export type Ask =
  | { readonly do: 'signIn'; readonly subject: string }
  | { readonly do: 'visit'; readonly token: string }
  | { readonly do: 'write'; readonly token: string; readonly key: string }
  | { readonly do: 'signOut'; readonly token: string }
  | { readonly do: 'revoke'; readonly id: string }
  | { readonly do: 'list'; readonly subject: string };

/** What it answers: `unknown` where the engine could not say. */
export type Answer =
  | { readonly is: 'signedIn'; readonly id: string; readonly token: string }
  | { readonly is: 'live'; readonly keys: readonly string[] }
  | { readonly is: 'refused'; readonly code: string }
  | { readonly is: 'done' }
  | { readonly is: 'listed'; readonly ids: readonly string[] }
  | { readonly is: 'unknown'; readonly why: string };

export interface ToldEvent {
  readonly cursor: string;
  readonly type: string;
  readonly sessionId: string;
  readonly reason?: string | undefined;
}

export type FromNode =
  | { readonly ready: true }
  | { readonly call: number; readonly answer: Answer }
  | { readonly event: ToldEvent }
  | { readonly lost: string };
