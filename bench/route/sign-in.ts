import type { Carrier, Sessions, Token } from 'sojourn';
import { device } from './device.ts';

/** Takes the token of a sign-in where there is no answer to put it on. */
export class Hand implements Carrier {
  token: Token | null = null;
  readonly address = null;

  begin(): () => void {
    return () => {};
  }

  issue(token: Token): void {
    this.token = token;
  }

  clear(): void {}

  device(): typeof device {
    return device;
  }

  body(): Promise<Response> {
    return Promise.reject(new Error('There is no request.'));
  }
}

/** Signs somebody in through the library's public calls and answers the token's value. */
export async function signInWithoutRequest<D, P extends string>(
  sessions: Sessions<D, P>,
  subject: string,
  permissions: readonly P[],
): Promise<string> {
  const hand = new Hand();
  const session = await sessions.track(null, { carrier: hand });
  await session.signIn(subject, { permissions, factor: 'password' });
  if (hand.token === null) throw new Error('The sign-in issued no token.');
  return hand.token.reveal();
}
