import type { Devices, SessionSummary } from 'sojourn';
import { reasons } from '../login/page.ts';
import { type Html, html } from '../pages/html.ts';
import { type Bar, formTokenField, page } from '../pages/layout.ts';

export interface AccountPage {
  readonly bar: Bar;
  readonly devices: Devices;
  /** The session that looks at the page. */
  readonly own: string;
  readonly message: string | null;
  readonly error: string | null;
  /** The last proof is too old to end other sessions without a new one. */
  readonly askPassword: boolean;
  readonly nameOf: (subject: string) => string;
}

export function accountPage(given: AccountPage): string {
  const { bar, devices, own, message, error, askPassword } = given;
  return page({
    title: 'Account',
    bar,
    main: html`<h1>${bar.name}</h1>
${message ? html`<p class="notice" role="status">${message}</p>` : null}
${error ? html`<p class="error" role="alert">${error}</p>` : null}
<section aria-labelledby="devices">
<h2 id="devices">Signed in now</h2>
<ul class="devices">${devices.live.map((session) => device(session, given))}</ul>
${
  devices.live.length > 1
    ? html`<form method="post" action="/account/sessions/terminate-others" class="row">
${formTokenField(bar.formToken)}${askPassword ? passwordField('Your password') : null}
<button>Sign out my other devices</button></form>`
    : null
}
</section>
<section aria-labelledby="password">
<h2 id="password">Password</h2>
<form method="post" action="/account/password" class="card">
${formTokenField(bar.formToken)}
<label>Present password <input name="current" type="password" autocomplete="current-password" required></label>
<label>New password <input name="new" type="password" autocomplete="new-password" minlength="8" required></label>
<label class="check"><input name="others" type="checkbox" checked> Sign out my other devices</label>
<button>Change password</button>
</form>
</section>
<section aria-labelledby="ended">
<h2 id="ended">Ended in the last 28 days</h2>
${
  devices.ended.length === 0
    ? html`<p>None.</p>`
    : html`<ul class="devices">${devices.ended.map(
        (session) => html`<li class="${session.id === own ? 'own' : ''}">
<strong>${session.device?.label ?? 'Unknown device'}</strong>${session.device?.address ? html` <span>${session.device.address}</span>` : null}
<span>Ended ${time(session.endedAt)} because ${reasons[session.reason]}.</span></li>`,
      )}</ul>`
}
</section>`,
  });
}

function device(session: SessionSummary, { own, bar, askPassword, nameOf }: AccountPage): Html {
  const self = session.id === own;
  const minutes = Math.max(1, Math.round(session.lastSeenPrecision / 60_000));
  return html`<li class="${self ? 'own' : ''}">
<strong>${session.device?.label ?? 'Unknown device'}</strong>${self ? html` <em>this device</em>` : null}
${session.actor ? html`<span>${nameOf(session.actor.subject)} acts as you: ${session.actor.reason}</span>` : null}
<span>Signed in ${time(session.createdAt)}${session.device?.address ? html` from ${session.device.address}` : null}</span>
<span>Last seen ${time(session.lastSeenAt)}, give or take ${minutes} min. Ends by ${time(session.expiresAt)}.</span>
${
  self
    ? null
    : html`<form method="post" action="/account/sessions/${session.id}/terminate" class="row">
${formTokenField(bar.formToken)}${askPassword ? passwordField('Your password') : null}<button class="quiet">Sign out</button></form>`
}</li>`;
}

function passwordField(label: string): Html {
  return html`<label>${label} <input name="password" type="password" autocomplete="current-password" required></label>`;
}

function time(at: number): Html {
  const iso = new Date(at).toISOString();
  return html`<time datetime="${iso}">${iso.slice(0, 16).replace('T', ' ')} UTC</time>`;
}
