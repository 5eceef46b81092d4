/** What a node can be asked to do (`node.ts`), and its answers. Each is answered in the order of asking. */
export type Asked =
  /** Signs each in, so many at once; `withText` also writes the data of a large store's sessions. */
  | { readonly do: 'signIn'; readonly subjects: readonly string[]; readonly atOnce: number; readonly withText?: true }
  /** Looks each up once, so that it is remembered. */
  | { readonly do: 'hold'; readonly tokens: readonly string[] }
  | {
      readonly do: 'lookUp';
      readonly tokens: readonly string[];
      readonly atOnce: number;
      readonly milliseconds: number;
    }
  | { readonly do: 'load'; readonly tokens: readonly string[]; readonly perSecond: number }
  /** As `hold`, for the first filled sessions. */
  | { readonly do: 'holdFilled'; readonly count: number }
  /** Touches of filled sessions for so long, in batches. */
  | { readonly do: 'touch'; readonly from: number; readonly to: number; readonly milliseconds: number }
  | { readonly do: 'rest' }
  /** Looks at them every millisecond until they are refused; answers at once. */
  | { readonly do: 'watch'; readonly tokens: readonly string[] }
  /** Ends them; answers at once. */
  | { readonly do: 'end'; readonly ids: readonly string[] }
  | { readonly do: 'times' }
  | { readonly do: 'endAll'; readonly subject: string }
  | { readonly do: 'devices'; readonly subject: string }
  | { readonly do: 'size' };

export interface SignedIn {
  readonly tokens: readonly string[];
  readonly milliseconds: number;
  /** Of each that was answered. */
  readonly latencies: readonly number[];
  readonly failed: number;
}

export interface Looked {
  readonly perSecond: number;
}

/** By session id, milliseconds of a clock that all processes share. */
export interface Times {
  readonly ended: ReadonlyMap<string, number>;
  readonly refused: ReadonlyMap<string, number>;
  /** When the last look-up that found it live was asked. */
  readonly served: ReadonlyMap<string, number>;
  /** Watched and not refused yet. */
  readonly waiting: number;
}

export interface EndedAll {
  readonly count: number;
  readonly milliseconds: number;
}

export interface Sized {
  readonly rss: number;
  /** Bytes of the heap and of what it holds outside, after collections. */
  readonly heap: number;
  /** Milliseconds of each full collection, with `--expose-gc`. */
  readonly pauses: readonly number[];
  /** What the near cache holds, by its own count and estimate. */
  readonly entries: number;
  readonly estimated: number;
  readonly beats: number;
}
