import type { SojournError } from '../src/lifecycle/errors.ts';
import type { Device } from '../src/lifecycle/session.ts';
import type { Token } from '../src/lifecycle/token.ts';
import type { Carrier, Session, Write } from '../src/session.ts';
import type { Data, Lab, Permission } from './lab.ts';

export const device: Device = { label: 'curl', userAgent: 'curl/8', address: '192.0.2.0/24', addedAt: 5 };

/** A request that keeps what its session asked of it. */
export class Asked implements Carrier {
  readonly writes: Write[] = [];
  done = 0;
  readonly issued: { token: Token; maxAge: number | null }[] = [];
  cleared = 0;
  refusing: SojournError | null = null;
  readonly address: string | null;

  constructor(address: string | null = null) {
    this.address = address;
  }

  begin(write: Write): () => void {
    if (this.refusing) throw this.refusing;
    this.writes.push(write);
    return () => {
      this.done += 1;
    };
  }

  issue(token: Token, maxAge: number | null): void {
    this.issued.push({ token, maxAge });
  }

  clear(): void {
    this.cleared += 1;
  }

  device(): Device {
    return device;
  }

  body(): Promise<Response> {
    return Promise.resolve(new Response('the body'));
  }

  /** The token the client has after the answer. */
  get token(): string {
    return this.issued.at(-1)?.token.reveal() ?? '';
  }

  track(lab: Lab, token: string | null = null): Promise<Session<Data, Permission>> {
    return Promise.resolve(lab.sessions.track(token, { carrier: this }));
  }
}
