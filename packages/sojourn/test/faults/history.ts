import type { Answer, Ask } from './protocol.ts';

/** One request: who was asked what, from when to when by the clients' clock, and what came of it. */
export interface Operation {
  readonly node: number;
  readonly ask: Ask;
  readonly from: number;
  readonly to: number;
  readonly answer: Answer;
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
  /** Keys whose write was acknowledged, and those of which nobody knows. */
  readonly written: Set<string>;
  readonly doubtful: Set<string>;
}

export class History {
  readonly operations: Operation[] = [];
  readonly sessions: Map<string, Known> = new Map();
  readonly #byToken = new Map<string, Known>();

  add(operation: Operation): void {
    this.operations.push(operation);
    const { ask, answer, from, to } = operation;
    if (ask.do === 'signIn') {
      if (answer.is === 'signedIn') this.#began(answer.id, answer.token, ask.subject, to);
      return;
    }
    const known = this.of(ask);
    if (known === undefined) return;
    if (ask.do === 'write' && answer.is !== 'refused') {
      (answer.is === 'done' ? known.written : known.doubtful).add(ask.key);
    }
    if (ask.do === 'signOut' || ask.do === 'revoke') {
      known.endAsked = Math.min(known.endAsked, from);
      if (answer.is === 'done') known.endedBy = Math.min(known.endedBy, to);
    }
  }

  of(ask: Ask): Known | undefined {
    if ('token' in ask) return this.#byToken.get(ask.token);
    return ask.do === 'revoke' ? this.sessions.get(ask.id) : undefined;
  }

  #began(id: string, token: string, subject: string, since: number): void {
    const known: Known = {
      id,
      token,
      subject,
      since,
      endAsked: Number.POSITIVE_INFINITY,
      endedBy: Number.POSITIVE_INFINITY,
      written: new Set(),
      doubtful: new Set(),
    };
    this.sessions.set(id, known);
    this.#byToken.set(token, known);
  }
}
