import { type Html, html } from './html.ts';

/** Who is signed in, for the bar that every page has. */
export interface Bar {
  readonly name: string | null;
  /** Who really acts, in an impersonation. */
  readonly actor: string | null;
  readonly formToken: string | null;
}

export interface PageOptions {
  readonly title: string;
  readonly bar: Bar;
  readonly main: Html;
  /** A browser module of `/assets`. */
  readonly script?: string;
  readonly wide?: boolean;
}

/** The frame of every page. Sign-out is on each of them while somebody is signed in (ASVS 7.4.4). */
export function page({ title, bar, main, script, wide }: PageOptions): string {
  return `<!doctype html>\n${html`<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} · Sojourn</title>
<link rel="icon" href="/assets/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/assets/tokens.css">
<link rel="stylesheet" href="/assets/pages.css">
${script ? html`<script type="module" src="/assets/${script}"></script>` : null}
</head>
<body>
<a class="skip" href="#main">Skip to content</a>
<header class="bar">
<a class="brand" href="/">Sojourn</a>
<nav aria-label="Main">
<a href="/">Life</a>
${bar.name === null ? html`<a href="/login">Sign in</a>` : signedInBar(bar)}
</nav>
</header>
<main id="main" class="${wide ? 'wide' : 'narrow'}">
${main}
</main>
</body>
</html>`}`;
}

function signedInBar({ name, actor, formToken }: Bar): Html {
  return html`<a href="/account">${name}${actor === null ? null : html` <small>(as seen by ${actor})</small>`}</a>
<form method="post" action="/logout">${formTokenField(formToken)}<button class="quiet">Sign out</button></form>`;
}

export function formTokenField(formToken: string | null): Html | null {
  return formToken === null ? null : html`<input type="hidden" name="form_token" value="${formToken}">`;
}
