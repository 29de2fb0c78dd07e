/**
 * A Grafana dashboard for the metrics that prometheus.ts writes: a plot for each panel of the table of metrics, so that the
 * two never part. Imported by hand, Grafana asks for the data source (`__inputs`).
 *
 * Model: https://grafana.com/docs/grafana/latest/visualizations/dashboards/build-dashboards/view-dashboard-json-model/.
 */
import type { Json, JsonObject } from '../../core/json.ts';
import { METRIC_FAMILIES, type MetricFamily } from './metric-families.ts';

const SOURCE = { type: 'prometheus', uid: '${DS_PROMETHEUS}' } as const;
const COLUMNS = 2;
const [WIDTH, HEIGHT] = [24 / COLUMNS, 8];

function legendOf({ name }: MetricFamily): string {
  return `${name.replace(/^kvlab_/, '')} {{origin}} {{point}} {{quantile}}`;
}

function targetOf(family: MetricFamily, at: number): JsonObject {
  return {
    refId: String.fromCharCode(65 + at),
    datasource: SOURCE,
    expr: `${family.name}{run=~"$run"}`,
    legendFormat: legendOf(family),
  };
}

function panelOf(title: string, families: readonly MetricFamily[], at: number): JsonObject {
  return {
    id: at + 1,
    title,
    description: families.map(({ name, help }) => `${name}: ${help}.`).join('\n\n'),
    type: 'timeseries',
    datasource: SOURCE,
    gridPos: {
      x: (at % COLUMNS) * WIDTH,
      y: Math.floor(at / COLUMNS) * HEIGHT,
      w: WIDTH,
      h: HEIGHT,
    },
    fieldConfig: {
      defaults: { unit: families[0]?.unit ?? 'short', min: 0, custom: { fillOpacity: 5 } },
      overrides: [],
    },
    options: { legend: { displayMode: 'table', placement: 'bottom', calcs: ['lastNotNull', 'max'] } },
    targets: families.map(targetOf),
  };
}

/** Panels in the order in which the table names them. */
function panels(): JsonObject[] {
  const titles = [...new Set(METRIC_FAMILIES.map(({ panel }) => panel))];
  return titles.map((title, at) =>
    panelOf(
      title,
      METRIC_FAMILIES.filter(({ panel }) => panel === title),
      at,
    ),
  );
}

/** Runs to choose from, of any metric of ours. */
const RUNS: Json = {
  name: 'run',
  label: 'Run',
  type: 'query',
  datasource: SOURCE,
  query: { query: 'label_values({__name__=~"kvlab_.+"}, run)', refId: 'run' },
  definition: 'label_values({__name__=~"kvlab_.+"}, run)',
  refresh: 2,
  multi: true,
  includeAll: true,
  current: { text: 'All', value: '$__all' },
};

export function grafanaDashboard(): JsonObject {
  return {
    __inputs: [
      {
        name: 'DS_PROMETHEUS',
        label: 'Prometheus',
        description: 'Where the metrics of KV Lab are',
        type: 'datasource',
        pluginId: 'prometheus',
        pluginName: 'Prometheus',
      },
    ],
    __requires: [
      { type: 'grafana', id: 'grafana', name: 'Grafana', version: '10.0.0' },
      { type: 'datasource', id: 'prometheus', name: 'Prometheus', version: '1.0.0' },
      { type: 'panel', id: 'timeseries', name: 'Time series', version: '' },
    ],
    uid: 'kvlab-runs',
    title: 'KV Lab runs',
    description:
      'KV cache, latencies and what an autopilot did, from the Prometheus text that KV Lab writes.',
    tags: ['kvlab', 'kv-cache'],
    schemaVersion: 39,
    version: 1,
    editable: true,
    refresh: '30s',
    time: { from: 'now-6h', to: 'now' },
    timezone: 'browser',
    templating: { list: [RUNS] },
    annotations: { list: [] },
    panels: panels(),
  };
}
