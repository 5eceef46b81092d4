import { machineTime } from './machine.ts';
import type { Ask, Told, ToldEvent } from './protocol.ts';

export const terminal: ReadonlySet<string> = new Set(['terminated', 'expired']);

/** One request: who was asked what and when, and what came of it. */
export interface Operation extends Told {
  readonly node: number;
  readonly ask: Ask;
  readonly from: number;
}

/** What the clients know of a session. */
export interface Known {
  readonly id: string;
  readonly token: string;
  readonly subject: string;
  /** When its sign-in was acknowledged. */
  readonly since: number;
  /** When an end was first asked for, and when one was first acknowledged. */
  endAsked: number;
  endedBy: number;
  /** When an event last told of its end. */
  toldBy: number;
  /** Keys whose write was acknowledged, by whom and when, and those of which nobody knows. */
  readonly written: Map<string, { readonly node: number; readonly at: number }>;
  readonly doubtful: Set<string>;
}

export class History {
  readonly operations: Operation[] = [];
  readonly sessions: Map<string, Known> = new Map();
  readonly #byToken = new Map<string, Known>();
  readonly #ended = new Set<(id: string) => void>();
  /** Operations that were answered. */
  answered = 0;

  add(operation: Operation): void {
    this.operations.push(operation);
    const { node, ask, answer, from, decided } = operation;
    if (answer.is !== 'unknown') this.answered += 1;
    if (ask.do === 'signIn') {
      if (answer.is === 'signedIn') this.#began(answer.id, answer.token, ask.subject, decided);
      return;
    }
    const known = this.of(ask);
    if (known === undefined) return;
    if (ask.do === 'write' && answer.is === 'done') known.written.set(ask.key, { node, at: decided });
    else if (ask.do === 'write' && answer.is === 'unknown') known.doubtful.add(ask.key);
    if (ask.do === 'signOut' || ask.do === 'revoke') {
      known.endAsked = Math.min(known.endAsked, from);
      if (answer.is !== 'done') return;
      known.endedBy = Math.min(known.endedBy, decided);
      this.#end(known.id);
    }
  }

  /** An event came: whoever ended the session, it has ended by now. */
  told({ type, sessionId }: ToldEvent, at: number = machineTime()): void {
    if (!terminal.has(type)) return;
    const known = this.sessions.get(sessionId);
    if (known) known.toldBy = at;
    this.#end(sessionId);
  }

  /** Calls back with what is known to have ended, maybe more than once. The answer stops it. */
  onEnd(ended: (id: string) => void): () => void {
    this.#ended.add(ended);
    return () => this.#ended.delete(ended);
  }

  of(ask: Ask): Known | undefined {
    if ('token' in ask) return this.#byToken.get(ask.token);
    return ask.do === 'revoke' ? this.sessions.get(ask.id) : undefined;
  }

  #end(id: string): void {
    for (const ended of this.#ended) ended(id);
  }

  #began(id: string, token: string, subject: string, since: number): void {
    const known: Known = {
      id,
      token,
      subject,
      since,
      endAsked: Number.POSITIVE_INFINITY,
      endedBy: Number.POSITIVE_INFINITY,
      toldBy: Number.POSITIVE_INFINITY,
      written: new Map(),
      doubtful: new Set(),
    };
    this.sessions.set(id, known);
    this.#byToken.set(token, known);
  }
}
