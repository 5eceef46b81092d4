import type { EndingReason } from 'sojourn';
import { type Html, html } from '../pages/html.ts';
import { type Frame, notice, page, problem } from '../pages/layout.ts';
import { why } from '../pages/reasons.ts';

export interface LoginPage {
  readonly frame: Frame;
  /** Path and query that the form is sent to, so that the way back is kept. */
  readonly action: string;
  /** Why the person is here, when a session of theirs ended. */
  readonly ended: EndingReason | null;
  /** A form was sent after the session had ended: it was not carried out. */
  readonly unsent: boolean;
  readonly error: string | null;
  /** Which account there is, on a server that was started for the first time. */
  readonly hint: Html | null;
  readonly username: string;
}

const unsentWords = 'What you sent was not carried out. After signing in you return to the form.';

export function loginPage({ frame, action, ended, unsent, error, hint, username }: LoginPage): string {
  return page({
    title: 'Sign in',
    frame,
    main: html`<div class="door">
<h1>Sign in</h1>
${ended || unsent ? notice([ended && `Your session ended because ${why(ended)}.`, unsent && unsentWords].filter(Boolean).join(' ')) : null}
${error ? problem(error) : null}
<form method="post" action="${action}" class="card fields">
<label>Username <input name="username" autocomplete="username" autocapitalize="none" spellcheck="false" required value="${username}" ${username === '' ? html`autofocus` : null}></label>
<label>Password <input name="password" type="password" autocomplete="current-password" required ${username === '' ? null : html`autofocus`}></label>
<label class="check"><input name="remember" type="checkbox"> Stay signed in on this device</label>
<button class="primary">Sign in</button>
</form>
${frame.name === null ? hint : null}
<p class="soft">A sign-in makes a new session with a new secret. Whatever this browser held before is worth nothing afterwards.</p>
</div>`,
  });
}
