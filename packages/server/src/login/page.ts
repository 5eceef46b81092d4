import type { EndingReason } from 'sojourn';
import { type Html, html } from '../pages/html.ts';
import { type Bar, page } from '../pages/layout.ts';

/** Why a session ended, as its person is told. */
export const reasons: Readonly<Record<EndingReason, string>> = {
  session_expired_idle: 'it was not used for a while',
  session_expired_absolute: 'it reached its time limit',
  signed_out: 'you signed out',
  revoked: 'it was ended from another device',
  replaced: 'you signed in again',
  limit_reached: 'you signed in on more devices than allowed',
  password_changed: 'your password changed',
  permissions_changed: 'your permissions changed',
  subject_changed: 'the account changed',
  account_disabled: 'the account was disabled',
  administrator: 'an administrator ended it',
  rotation_lost: 'it could not be continued safely',
  reuse_detected: 'an old copy of it was used',
  purged: 'the account’s data was erased',
};

export interface LoginPage {
  readonly bar: Bar;
  /** Path and query that the form is sent to, so that the way back is kept. */
  readonly action: string;
  /** Why the person is here, when a session of theirs ended. */
  readonly ended: EndingReason | null;
  /** A form was sent after the session had ended: it was not carried out. */
  readonly unsent: boolean;
  readonly error: string | null;
  readonly username: string;
}

export function loginPage({ bar, action, ended, unsent, error, username }: LoginPage): string {
  return page({
    title: 'Sign in',
    bar,
    main: html`<h1>Sign in</h1>
${ended ? notice(`Your session ended because ${reasons[ended]}.`) : null}
${unsent ? notice('What you sent was not carried out. After signing in you return to the form.') : null}
${error ? html`<p class="error" role="alert">${error}</p>` : null}
<form method="post" action="${action}" class="card">
<label>Username <input name="username" autocomplete="username" autocapitalize="none" spellcheck="false" required value="${username}" ${username === '' ? html`autofocus` : null}></label>
<label>Password <input name="password" type="password" autocomplete="current-password" required ${username === '' ? null : html`autofocus`}></label>
<label class="check"><input name="remember" type="checkbox"> Stay signed in on this device</label>
<button>Sign in</button>
</form>`,
  });
}

function notice(text: string): Html {
  return html`<p class="notice" role="status">${text}</p>`;
}
