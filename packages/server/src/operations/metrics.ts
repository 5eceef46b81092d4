import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Context } from '../context.ts';

/** How often the event loop's delay is looked at; what it shows is how much later than that it was. */
const resolution = 20;
const loop = monitorEventLoopDelay({ resolution });

interface Metric {
  readonly name: string;
  readonly type: 'counter' | 'gauge';
  readonly help: string;
  /** A number, or one for each value of a label. */
  readonly value: number | Labelled;
}

interface Labelled {
  readonly label: string;
  readonly values: ReadonlyMap<string, number>;
}

/** `GET /metrics` in Prometheus' text format. Numbers about all sessions together: no id, no subject, no address. */
export function showMetrics(context: Context, _request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const text = metricsOf(context).map(written).join('');
  loop.reset();
  return reply.type('text/plain; version=0.0.4; charset=utf-8').send(text);
}

/** Begins to watch the event loop; the answer ends that. */
export function watchLoop(): () => void {
  loop.enable();
  return () => loop.disable();
}

function metricsOf({ sessions, feed }: Context): readonly Metric[] {
  const { touchesDropped, noticesDropped, anonymousRefused } = sessions.counts;
  const { rss, heapUsed } = process.memoryUsage();
  return [
    counter('sojourn_events_total', 'Events of sessions, by type, in the store that this server follows.', {
      label: 'type',
      values: feed.counts,
    }),
    counter('sojourn_touches_dropped_total', 'Uses of a session that were not written down.', touchesDropped),
    counter('sojourn_notices_dropped_total', 'Refused tokens that were not counted.', noticesDropped),
    counter('sojourn_anonymous_refused_total', 'Visits that got no session: too many a minute.', anonymousRefused),
    gauge('nodejs_eventloop_lag_p50_seconds', 'Median delay of the event loop since it was last asked for.', lag(50)),
    gauge('nodejs_eventloop_lag_p99_seconds', 'The same at the 99th percentile.', lag(99)),
    gauge('nodejs_eventloop_lag_max_seconds', 'The longest of them.', lag(100)),
    gauge('process_resident_memory_bytes', 'Memory of the process.', rss),
    gauge('nodejs_heap_size_used_bytes', 'Memory of that in use on the heap.', heapUsed),
    gauge('process_uptime_seconds', 'Seconds since the process started.', process.uptime()),
  ];
}

function counter(name: string, help: string, value: Metric['value']): Metric {
  return { name, help, type: 'counter', value };
}

function gauge(name: string, help: string, value: number): Metric {
  return { name, help, type: 'gauge', value };
}

/** In seconds; 0 before anything was measured. */
function lag(percentile: number): number {
  return loop.count === 0 ? 0 : Math.max(0, loop.percentile(percentile) / 1e6 - resolution) / 1000;
}

function written({ name, type, help, value }: Metric): string {
  const samples =
    typeof value === 'number'
      ? [`${name} ${value}`]
      : [...value.values].map(([of, count]) => `${name}{${value.label}="${of}"} ${count}`);
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...samples, ''].join('\n');
}
