import type { Code } from '../../src/lifecycle/errors.ts';
import type { Store } from '../../src/lifecycle/ports.ts';

/** Where a write is when its process is killed: not begun, under way, or done and not acknowledged. */
export type Stage = 'before' | 'during' | 'after';

/** What the parent says: open a store under a number, call one, or be killed at the next write. */
export type Told =
  | { readonly do: 'die'; readonly call: number; readonly at: Stage }
  | { readonly do: 'open'; readonly call: number; readonly store: number; readonly path: string; readonly now: number }
  | {
      readonly do: 'call';
      readonly call: number;
      readonly store: number;
      readonly now: number;
      readonly name: keyof Store;
      readonly args: readonly unknown[];
    };

/** What it answers: a result, an error by its parts, or that something was written where it watches. */
export type Said =
  | { readonly call: number; readonly result: unknown }
  | {
      readonly call: number;
      readonly error: { readonly code: Code; readonly message: string; readonly details: { sessionId?: string } };
    }
  | { readonly changed: number };

/** The operations of a store that change it. */
export const writes: ReadonlySet<string> = new Set([
  'create',
  'update',
  'touch',
  'end',
  'endAll',
  'enable',
  'setPermissions',
  'sweep',
  'purge',
  'adopt',
  'note',
] satisfies (keyof Store)[]);
