import type { Context } from '../context.ts';
import { type Html, html } from '../pages/html.ts';

/** For who has just started the server: only where nobody but this machine reads it, and while there is no other account. */
export function firstAccount({ config, users }: Pick<Context, 'config' | 'users'>): Html | null {
  if (!config.demo || config.origin !== null) return null;
  if (users.all().some(({ name }) => name !== 'admin')) return null;
  return html`<p class="soft hint">The first start made the account <code>admin</code> and printed its password in the terminal, unless <code>SOJOURN_ADMIN_PASSWORD</code> gave it.</p>`;
}
