import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type EndingReason, SojournError } from 'sojourn';
import { type Context, type LiveSession, liveOf } from '../context.ts';
import { tombstonePath } from '../life/tombstone.ts';
import { why } from '../pages/reasons.ts';
import type { Told } from './feed.ts';
import { wordsOf } from './words.ts';

/** Proxies and browsers give up on what stays silent for long. */
const heartbeat = 15_000;
const reconnectAfter = 2000;
/** A reader that lets this much pile up is not reading. */
const mostBuffered = 256 * 1024;
const longestCursor = 2048;

/**
 * `GET /session/events`: what happens to the session that asks, as it happens. Resumes after the cursor
 * in Last-Event-ID (or `?after=`), and ends with an event `ended` that says why when the session does.
 */
export async function showEvents(
  context: Context,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const stream = new EventStream(context, await liveOf(context.web.session(request)));
  await stream.resume(cursorOf(request));
  reply.headers({ 'content-type': 'text/event-stream', 'x-accel-buffering': 'no', connection: 'close' });
  return reply.send(stream.body);
}

function cursorOf(request: FastifyRequest): string | null {
  const given =
    request.headers['last-event-id'] ?? new URL(request.url, 'http://local.invalid').searchParams.get('after');
  return typeof given === 'string' && given !== '' && given.length <= longestCursor ? given : null;
}

class EventStream {
  readonly body: Readable = new Readable({ read: () => {} });
  readonly #context: Context;
  readonly #session: LiveSession;
  readonly #undo: (() => void)[] = [];
  #over = false;
  /** What comes while the missed ones are still being read. */
  #held: Told[] | null = [];
  #cancelBeat: () => void = () => {};
  #idleUntil: number;

  constructor(context: Context, session: LiveSession) {
    this.#context = context;
    this.#session = session;
    this.#idleUntil = session.idleUntil;
    this.body.once('close', () => this.#release());
    this.#send(`retry: ${reconnectAfter}\n\n`);
  }

  async resume(after: string | null): Promise<void> {
    const { id, signal } = this.#session;
    const aborted = (): void => this.#endedBy(signal.reason);
    signal.addEventListener('abort', aborted);
    this.#undo.push(
      () => signal.removeEventListener('abort', aborted),
      this.#context.feed.listen(id, {
        tell: (event) => this.#tell(event),
        lost: () => this.#lost(),
        close: () => this.#end(),
      }),
    );
    const missed = after === null ? [] : await this.#missedSince(after);
    const seen = new Set(missed.map(({ cursor }) => cursor));
    const held = (this.#held ?? []).filter(({ cursor }) => !seen.has(cursor));
    this.#held = null;
    for (const event of [...missed, ...held]) this.#tell(event);
    if (signal.aborted) this.#endedBy(signal.reason);
    this.#beatLater();
  }

  async #missedSince(after: string): Promise<readonly Told[]> {
    try {
      return (await this.#context.catchUps.missed(this.#session.id, after)) ?? this.#lost();
    } catch (error) {
      // Nothing was sent yet, so the request is answered with the error.
      this.#release();
      throw error;
    }
  }

  #lost(): Told[] {
    this.#send('event: lost\ndata: {}\n\n');
    return [];
  }

  #tell(event: Told): void {
    if (this.#held !== null) {
      this.#held.push(event);
      return;
    }
    const { type, at, cursor, reason, code } = event;
    const terminal = type === 'expired' || type === 'terminated';
    if (terminal && reason) this.#ended(reason, at, cursor);
    else this.#send(`id: ${cursor}\n${data({ type, at, code, ...wordsOf(event) })}`);
  }

  #endedBy(error: unknown): void {
    if (error instanceof SojournError && error.reason)
      this.#ended(error.reason, error.at ?? this.#context.sessions.now());
    else this.#end();
  }

  /** The last event of all: the session is over, and why. */
  #ended(reason: EndingReason, at: number, cursor?: string): void {
    const expired = reason.startsWith('session_expired');
    const says = `${expired ? 'Expired' : 'Ended'}: ${why(reason)}.`;
    const id = cursor === undefined ? '' : `id: ${cursor}\n`;
    this.#send(
      `event: ended\n${id}${data({ at, reason, stage: expired ? 'expiry' : 'termination', says, page: tombstonePath(this.#context, this.#session.id) })}`,
    );
    this.#end();
  }

  #beatLater(): void {
    if (this.#over) return;
    this.#cancelBeat = this.#context.clock.after(heartbeat, () => {
      this.#send(': still here\n\n');
      this.#look()
        .catch((error: unknown) => this.#report(error))
        .finally(() => this.#beatLater());
    });
  }

  /** The file of the accounts may ask for an end that no request brings. Another tab may have moved the idle limit on; to look is no use. */
  async #look(): Promise<void> {
    if (this.#session.state === 'signed-in') await this.#context.owed.endOf(this.#session);
    const found = await this.#context.sessions.find(this.#session.id);
    if (found === null || found.idleUntil <= this.#idleUntil) return;
    this.#idleUntil = found.idleUntil;
    this.#send(`event: limits\n${data({ idleUntil: found.idleUntil, expiresAt: found.expiresAt })}`);
  }

  #report(error: unknown): void {
    this.#context.sessions.report({
      level: 'warn',
      code: 'store_unavailable',
      message: 'A stream of events could not look at its session.',
      error,
    });
  }

  #send(text: string): void {
    if (this.#over) return;
    this.body.push(text);
    if (this.body.readableLength > mostBuffered) this.body.destroy();
  }

  #end(): void {
    if (this.#over) return;
    this.#release();
    this.body.push(null);
  }

  #release(): void {
    this.#over = true;
    this.#cancelBeat();
    for (const step of this.#undo.splice(0)) step();
  }
}

function data(value: object): string {
  return `data: ${JSON.stringify(value)}\n\n`;
}
