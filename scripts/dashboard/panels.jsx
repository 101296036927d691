// Draws the dashboard of etc/grafana from a Prometheus, with the libraries of Grafana's own frontend: its panel frames, time series, legends, colours and
// units. What differs from Grafana is what lies between: this asks for the queries itself, and fills in the variables.
//
// window.SETTINGS: {dashboard, prometheus, from, to (seconds), step (seconds), rate_interval, job, width}
// window.DRAWN afterwards: [{title, series: [name, …], errors: [text, …]}] in the order of the panels.
import React from "react";
import { createRoot } from "react-dom/client";
import { createTheme, dateTime, EventBusSrv, FieldColorModeId, getDisplayProcessor, toDataFrame } from "@grafana/data";
import { GlobalStyles, PanelChrome, PanelContextProvider, ThemeContext, TimeSeries } from "@grafana/ui";

const GRID_CELL = 30, GRID_MARGIN = 8, COLUMNS = 24; // Grafana's own geometry
const { dashboard, prometheus, from, to, step, rate_interval: rateInterval, job, width } = window.SETTINGS;
const theme = createTheme({ colors: { mode: "light" } });
const range = { from: dateTime(from * 1000), to: dateTime(to * 1000), raw: { from: "now-1h", to: "now" } };
const CUSTOM = { drawStyle: "line", lineInterpolation: "linear", gradientMode: "none", stacking: { mode: "none", group: "A" }, axisGridShow: true,
  axisPlacement: "auto", scaleDistribution: { type: "linear" }, thresholdsStyle: { mode: "off" } };

async function ask(expression) {
  const query = expression.replaceAll("$__rate_interval", rateInterval).replaceAll("$job", job);
  const answer = await fetch(`${prometheus}/api/v1/query_range`, { method: "POST", body: new URLSearchParams({ query, start: from, end: to, step }) });
  const body = await answer.json();
  if (body.status !== "success") throw new Error(body.error);
  return body.data.result;
}

const named = (format, labels) => format.replace(/\{\{\s*(\w+)\s*\}\}/g, (_, name) => labels[name] ?? "").trim() || JSON.stringify(labels);

// A series is there at each step, or is null.
function frameOf(target, series) {
  const found = new Map(series.values.map(([at, value]) => [Math.round(at), Number(value)]));
  const times = [];
  for (let at = from; at <= to; at += step) times.push(at);
  return toDataFrame({ refId: target.refId, fields: [
    { name: "Time", type: "time", values: times.map((at) => at * 1000), config: {} },
    { name: "Value", type: "number", labels: series.metric, values: times.map((at) => { const value = found.get(at); return Number.isFinite(value) ? value : null; }),
      config: { displayNameFromDS: named(target.legendFormat, series.metric) } }] });
}

async function framesOf(panel) {
  const frames = [], errors = [];
  for (const target of panel.targets) {
    try {
      for (const series of await ask(target.expr)) frames.push(frameOf(target, series));
    } catch (error) {
      errors.push(`${target.refId}: ${error.message}`);
    }
  }
  const { defaults, overrides } = panel.fieldConfig;
  frames.forEach((frame, index) => frame.fields.forEach((field) => {
    if (field.type === "number") {
      const { custom, ...rest } = defaults;
      field.config = { color: { mode: FieldColorModeId.PaletteClassic }, ...rest, ...field.config, custom: { ...CUSTOM, ...custom } };
      for (const each of overrides)
        if (each.matcher.id === "byFrameRefID" && each.matcher.options === frame.refId)
          for (const { id, value } of each.properties)
            if (id.startsWith("custom.")) field.config.custom[id.slice(7)] = value; else field.config[id] = value;
      field.state = { seriesIndex: index };
    }
    field.display = getDisplayProcessor({ field, theme, timeZone: "utc" });
  }));
  return { frames, errors };
}

const size = (cells) => cells * (GRID_CELL + GRID_MARGIN) - GRID_MARGIN;

function Panel({ panel, frames, errors }) {
  const column = (width + GRID_MARGIN) / COLUMNS, place = panel.gridPos;
  const box = { position: "absolute", left: place.x * column, top: place.y * (GRID_CELL + GRID_MARGIN) };
  if (panel.type === "row") return <div style={{ ...box, padding: "4px 8px", fontSize: 16, fontWeight: 500 }}>{panel.title}</div>;
  const context = { eventsScope: "global", eventBus: new EventBusSrv() };
  return <div style={box} data-panel={panel.title}>
    <PanelChrome title={panel.title} width={place.w * column - GRID_MARGIN} height={size(place.h)}>
      {(innerWidth, innerHeight) => frames.length === 0
        ? <div style={{ textAlign: "center", paddingTop: innerHeight / 2 - 10 }}>{errors.join("; ") || "No data"}</div>
        : <PanelContextProvider value={context}>
            <TimeSeries frames={frames} structureRev={1} timeRange={range} timeZone="utc" width={innerWidth} height={innerHeight} legend={{ calcs: [], ...panel.options.legend }} options={panel.options} />
          </PanelContextProvider>}
    </PanelChrome>
  </div>;
}

async function draw() {
  const found = [];
  for (const panel of dashboard.panels) found.push({ panel, ...(panel.type === "row" ? { frames: [], errors: [] } : await framesOf(panel)) });
  const rows = Math.max(...dashboard.panels.map(({ gridPos }) => gridPos.y + gridPos.h));
  createRoot(document.getElementById("dashboard")).render(
    <ThemeContext.Provider value={theme}>
      <GlobalStyles />
      <div style={{ position: "relative", width, height: size(rows) + GRID_MARGIN }}>{found.map((each) => <Panel key={each.panel.id} {...each} />)}</div>
    </ThemeContext.Provider>);
  window.DRAWN = found.filter(({ panel }) => panel.type !== "row").map(({ panel, frames, errors }) =>
    ({ title: panel.title, errors, series: frames.map((frame) => frame.fields[1].config.displayNameFromDS) }));
}

draw();
