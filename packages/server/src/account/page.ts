import type { Devices, EndedSession, SessionSummary } from 'sojourn';
import { type Html, html } from '../pages/html.ts';
import { type Frame, formTokenField, page, problem } from '../pages/layout.ts';
import { why } from '../pages/reasons.ts';
import { moment, orLater } from '../pages/time.ts';

export interface AccountPage {
  readonly frame: Frame;
  readonly devices: Devices;
  /** The session that looks at the page. */
  readonly own: string;
  readonly error: string | null;
  /** The last proof is too old to end other sessions without a new one. */
  readonly askPassword: boolean;
  readonly nameOf: (subject: string) => string;
}

export function accountPage(given: AccountPage): string {
  const { frame, devices, own, error } = given;
  return page({
    title: 'Account',
    frame,
    styles: ['account.css'],
    main: html`<h1>Account <span class="soft">${frame.name}</span></h1>
${error ? problem(error) : null}
<section aria-labelledby="devices"><h2 id="devices">Signed in now</h2>
${liveDevices(given)}</section>
<section aria-labelledby="password"><h2 id="password">Password</h2>
<form method="post" action="/account/password" class="card fields">
${formTokenField(frame.formToken)}
${accountName(frame)}
<label>Current password <input name="current" type="password" autocomplete="current-password" required></label>
<label>New password <input name="new" type="password" autocomplete="new-password" minlength="8" required></label>
<label class="check"><input name="others" type="checkbox" checked> Sign out my other devices</label>
<button class="primary">Change password</button>
</form></section>
<section aria-labelledby="ended"><h2 id="ended">Ended in the last 28 days</h2>
${
  devices.ended.length === 0
    ? html`<p class="none">None.</p>`
    : html`<ul class="devices ended">${devices.ended.map((session) => ended(session, own))}</ul>`
}</section>`,
  });
}

/** That a new password is set, where the account page cannot say it. */
export function changedPage(frame: Frame, way: string): string {
  return page({
    title: 'Password changed',
    frame,
    main: html`<div class="door">
<h1>Your password has been changed</h1>
<p>${way}</p>
<p><a class="button" href="/account">To your account</a></p>
</div>`,
  });
}

/** Whose password it is, for the browser's password manager. */
function accountName({ name }: Frame): Html {
  return html`<input name="username" autocomplete="username" value="${name}" readonly hidden>`;
}

/** One form around the list: a single password, where one is asked for, and a button for each device. */
function liveDevices(given: AccountPage): Html {
  const { devices, frame, askPassword, own } = given;
  const ownFirst = devices.live.toSorted((a, b) => Number(b.id === own) - Number(a.id === own));
  const list = html`<ul class="devices">${ownFirst.map((session) => device(session, given))}</ul>`;
  if (devices.live.length < 2) return list;
  return html`<form method="post" action="/account/sessions/terminate-others">
${formTokenField(frame.formToken)}
<div class="card row">${askPassword ? accountName(frame) : null}${
    askPassword
      ? html`<label>Your password, to sign out a device <input name="password" type="password" autocomplete="current-password" required></label>`
      : html`<p class="soft">You proved who you are within the last 10 minutes, so no password is asked for.</p>`
  }
<button class="quiet">Sign out my other devices</button></div>
${list}</form>`;
}

function device(session: SessionSummary, { own, nameOf }: AccountPage): Html {
  const self = session.id === own;
  const { actor, kind } = session;
  return html`<li class="device${self ? ' own' : ''}">
<div><h3 class="named">${label(session)}${self ? html` <span class="tag">this device</span>` : null}${kind === 'remembered' ? html` <span class="tag plain">stays signed in</span>` : null}</h3>
${actor ? html`<p>${nameOf(actor.subject)} acts as you: ${actor.reason}</p>` : null}
<dl class="times">
<div><dt>Signed in</dt><dd>${moment(session.createdAt)}${place(session)}</dd></div>
<div><dt>Last seen</dt><dd>${moment(session.lastSeenAt)}${orLater(session.lastSeenPrecision)}</dd></div>
<div><dt>Ends by</dt><dd>${moment(session.expiresAt)}</dd></div>
</dl></div>
${
  self
    ? null
    : html`<button class="quiet" formaction="/account/sessions/${session.id}/terminate" aria-label="Sign out ${label(session)}">Sign out</button>`
}</li>`;
}

function ended(session: EndedSession, own: string): Html {
  const { createdAt, lastSeenAt, endedAt, reason } = session;
  return html`<li class="device${session.id === own ? ' own' : ''}"><div><h3>${label(session)}</h3>
<p>${moment(endedAt)}</p>
<p class="why">Ended because ${why(reason)}.</p>
<p class="soft">${createdAt === null ? null : html`Signed in ${moment(createdAt)}${place(session)}`}${lastSeenAt === null ? null : html`, last seen ${moment(lastSeenAt)}.`}</p></div></li>`;
}

function label({ device }: Pick<SessionSummary, 'device'>): string {
  return device?.label ?? 'Unknown device';
}

function place({ device }: Pick<SessionSummary, 'device'>): Html | null {
  return device?.address ? html` from <span class="address">${device.address}</span>` : null;
}
