import type { IncomingMessage, ServerResponse } from 'node:http';
import { SojournError } from '../lifecycle/errors.ts';
import { checkRequirement, type Requirement } from '../lifecycle/permissions.ts';
import type { SignedInSession } from '../session.ts';
import type { Sessions } from '../sessions.ts';
import { type BindingOptions, checkTrackOptions, type TrackOptions } from './binding.ts';
import { NodeWire, sendAnswer } from './node-wire.ts';
import { Requests, type Surface } from './requests.ts';
import { Unmet } from './unmet.ts';

type Handler = (req: IncomingMessage, res: ServerResponse) => unknown;

export interface NodeWeb<D, P extends string> extends Surface<IncomingMessage, D, P> {
  /** Wraps a request listener: `createServer(web.track(handler))`. What it throws of this library is answered. Other errors are thrown on. */
  track(handler: Handler, options?: TrackOptions): (req: IncomingMessage, res: ServerResponse) => Promise<void>;
  /** `await orders(req)`: the signed-in session, or throws the refusal, which `track` answers. */
  requireSignIn(
    requirement?: Requirement<P>,
  ): (req: IncomingMessage, formToken?: unknown) => Promise<SignedInSession<D, P>>;
}

/** Sessions for `node:http`. */
export function nodeSessions<D, P extends string>(sessions: Sessions<D, P>, options?: BindingOptions): NodeWeb<D, P> {
  const requests = new Requests<IncomingMessage, D, P>(sessions, options, 'wrap the listener in `web.track`');
  const surface = requests.surface((req) => req.url ?? '/');

  const answer = (error: unknown, res: ServerResponse, wire: NodeWire): void => {
    const { cause, within } = Unmet.of(error);
    if (!res.headersSent) sendAnswer(res, requests.binding.answer(cause, wire, within));
    else if (!(cause instanceof SojournError)) throw cause;
    else {
      // Half an answer is out: it is not ended as if it were whole.
      requests.binding.report(cause);
      res.destroy();
    }
  };

  return {
    ...surface,
    track(handler, given = {}) {
      const trackOptions = checkTrackOptions(given);
      return async (req, res) => {
        const wire = new NodeWire(req, res);
        try {
          const opening = requests.open(req, wire, trackOptions);
          if (opening instanceof Promise) await opening;
          await handler(req, res);
        } catch (error) {
          // Who has gone, in the middle of a body say, can be told nothing.
          if (!req.destroyed || req.complete) answer(error, res, wire);
        }
      };
    },
    requireSignIn(requirement) {
      const checked = checkRequirement(requirement);
      return async (req, formToken) => {
        const found = requests.of(req).require(checked, () => formToken);
        // To await what is there already costs a turn of its own.
        const refusal = found instanceof Promise ? await found : found;
        if (refusal !== null) throw new Unmet(refusal, checked.within);
        return surface.signedIn(req);
      };
    },
  };
}
