import { invalid, SojournError } from '../lifecycle/errors.ts';

/** Where the application is reached, checked once. */
export interface Site {
  /** Scheme, host and port; `null` while only loopback hosts are served. */
  readonly origin: string | null;
  readonly secure: boolean;
  readonly trusted: readonly string[];
}

const loopbackHost = /^(localhost|127(?:\.\d{1,3}){3}|\[::1\])$/i;

/** Whether a host name means this machine only (RFC 6761, RFC 5735, RFC 4291). */
export function isLoopback(hostname: string): boolean {
  return loopbackHost.test(hostname) || /\.localhost$/i.test(hostname);
}

/** Checks the configured origin and the other origins that may post here. Throws `option_invalid` with the fix. */
export function checkSite(origin: string | undefined, trusted: readonly string[]): Site {
  for (const one of trusted) exactOrigin('trustedOrigins', one);
  if (origin === undefined) return { origin: null, secure: false, trusted };
  const url = exactOrigin('origin', origin);
  return { origin, secure: url.protocol === 'https:', trusted };
}

function exactOrigin(option: 'origin' | 'trustedOrigins', text: string): URL {
  const url = URL.parse(text);
  const shown = `${option} ${JSON.stringify(text)}`;
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw invalid(`${shown}: write it as https://example.com, without a path.`);
  }
  // Before its spelling: the origin to write is one that is taken.
  if (option === 'origin' && url.protocol === 'http:' && !isLoopback(url.hostname)) {
    throw invalid(`${shown}: use https, or a loopback host.`);
  }
  if (url.origin !== text) throw invalid(`${shown}: write it as ${url.origin}.`);
  return url;
}

/** `same`: proved same-origin. `foreign`: proved not. `unknown`: neither header came. */
export type Evidence = 'same' | 'foreign' | 'unknown';

/**
 * Same-origin evidence of a request: Sec-Fetch-Site, else Origin, compared with scheme, host and port.
 * A value of Sec-Fetch-Site that no specification knows counts as absent, never as same.
 */
export function evidenceOf(
  own: string,
  trusted: readonly string[],
  origin: string | undefined,
  secFetchSite: string | undefined,
): Evidence {
  if (origin !== undefined && trusted.includes(origin)) return 'same';
  if (secFetchSite === 'same-origin' || secFetchSite === 'none') return 'same';
  if (secFetchSite === 'same-site' || secFetchSite === 'cross-site') return 'foreign';
  if (origin === undefined) return 'unknown';
  return origin === own ? 'same' : 'foreign';
}

/** Methods that by RFC 9110 §9.2.1 change nothing. */
export function isSafe(method: string): boolean {
  return method === 'GET' || method === 'HEAD' || method === 'OPTIONS' || method === 'TRACE';
}

/** Why a request must not act, `null` when it may. With no evidence at all only a request without credentials passes. */
export function originRefusal(evidence: Evidence, credentialed: boolean): SojournError | null {
  if (evidence === 'same' || (evidence === 'unknown' && !credentialed)) return null;
  const why =
    evidence === 'foreign'
      ? 'The request comes from another site: add it to trustedOrigins if it may.'
      : 'Nothing shows that the request comes from this site: send Sec-Fetch-Site or Origin.';
  return new SojournError('cross_site', why);
}
