import type { Carrier, Token } from 'sojourn';

/** Takes the token where there is no answer to hand it out on. */
export class Hand implements Carrier {
  token = '';
  readonly address = null;

  begin(): () => void {
    return () => {};
  }

  issue(token: Token): void {
    this.token = token.reveal();
  }

  clear(): void {}

  device(): undefined {}

  body(): Promise<Response> {
    return Promise.reject(new Error('there is no request'));
  }
}
