/** How a node reaches its engine. */
export type Reach =
  | { readonly engine: 'sqlite'; readonly path: string }
  | { readonly engine: 'redis'; readonly url: string }
  | {
      readonly engine: 'sentinel';
      readonly ports: readonly number[];
      /** The way to what the sentinels call a port, where it is another. */
      readonly ways?: Readonly<Record<number, number>>;
      /** How many replicas confirm a write; default 1. */
      readonly replicas?: number;
    }
  | { readonly engine: 'cluster'; readonly urls: readonly string[] }
  | { readonly engine: 'postgres'; readonly url: string };

export interface NodeSettings {
  readonly reach: Reach;
  readonly bound: number;
  readonly limit: number;
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
  | { readonly do: 'list'; readonly subject: string }
  | { readonly do: 'report' };

/** What it answers: `unknown` where the engine could not say. */
export type Answer =
  | { readonly is: 'signedIn'; readonly id: string; readonly token: string }
  | { readonly is: 'live'; readonly keys: readonly string[] }
  | { readonly is: 'refused'; readonly code: string }
  | { readonly is: 'done' }
  | { readonly is: 'listed'; readonly ids: readonly string[] }
  | { readonly is: 'unknown'; readonly why: string }
  | ({ readonly is: 'reported' } & Report);

/** What a node has met since it began. */
export interface Report {
  readonly hits: number;
  readonly beatsFailed: number;
  /** Codes of what it has warned of. */
  readonly warned: readonly string[];
}

/** An answer, with when the node began on it and when it knew it, by the machine's monotonic clock. */
export interface Told {
  readonly answer: Answer;
  readonly begun: number;
  readonly decided: number;
}

export interface ToldEvent {
  readonly cursor: string;
  readonly type: string;
  /** By the engine's clock. */
  readonly at: number;
  readonly sessionId: string;
  readonly subject: string | null;
  readonly reason?: string | undefined;
}

export type FromNode =
  | { readonly ready: true }
  | ({ readonly call: number } & Told)
  | { readonly event: ToldEvent }
  | { readonly lost: string };
