// How is a chart drawn, in the colours of the page? uPlot draws; the page says what.

import { make } from '../kit/dom.js';
import { whole } from '../kit/words.js';

const { uPlot } = window;
const COLOURS = {
  p50: '--accent', p95: '--warn', user: '--accent', config: '--warn', provider: '--wait', platform: '--bad',
};
const HOUR = 3600;
const CLOCK = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });

/**
 * Draw one line for each name into `box`; return what draws them anew from [seconds, ...values].
 * `point` is told over which place the pointer is, or null.
 */
export function lines(box, names, words, point) {
  return plot(box, (size) => ({
    ...frame(size, words, point, { least: 100, stretch: 2 * HOUR }),
    series: [{}, ...names.map((name) => ({
      label: name, stroke: colour(COLOURS[name]), width: 1.75, points: { size: 4 }, spanGaps: true,
    }))],
  }));
}

/** Draw bars into `box`, the parts of each on top of each other. */
export function bars(box, names, point) {
  const { bars: path } = uPlot.paths;
  const draw = plot(box, (size) => ({
    ...frame(size, whole, point, { least: 4, margin: HOUR / 2 }),
    series: [{}, ...names.toReversed().map((name) => ({
      label: name, fill: colour(COLOURS[name]), stroke: colour(COLOURS[name]), width: 0,
      paths: path({ size: [0.7, 26] }), points: { show: false },
    }))],
  }));
  return ([at, ...parts]) => draw([at, ...stacked(parts).toReversed()]);
}

/** Add each part to those before it; the last is the whole, and drawn first. */
function stacked(parts) {
  return parts.map((_, place) => parts[0].map(
    (_, hour) => parts.slice(0, place + 1).reduce((sum, part) => sum + part[hour], 0),
  ));
}

/** `least` is how high, `stretch` how long (s) a chart is at the least; `margin` is left at its sides. */
function frame({ width, height }, words, point, { least, stretch = 0, margin = 0 }) {
  const ink = colour('--quiet');
  const line = colour('--line');
  const axis = { stroke: ink, grid: { stroke: line, width: 1 }, ticks: { show: false }, font: '11px system-ui, sans-serif' };
  return {
    width,
    height,
    legend: { show: false },
    cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
    hooks: { setCursor: [({ cursor }) => point(cursor.idx ?? null)] },
    padding: [8, 8, 0, 0],
    scales: {
      x: {
        range: ({ data: [at] }) => [Math.min(at[0], at.at(-1) - stretch) - margin, at.at(-1) + margin],
      },
      y: { range: (_, lowest, highest) => [0, Math.max(least, highest ?? 0) * 1.1] },
    },
    axes: [
      { ...axis, grid: { show: false }, size: 22, space: 56, values: (_, ticks) => ticks.map((tick) => CLOCK.format(tick * 1000)) },
      { ...axis, size: 52, space: 28, values: (_, ticks) => ticks.map((tick) => (tick === null ? '' : words(tick))) },
    ],
  };
}

/** Keep a chart as wide as its box and in the colours of the day or the night. */
function plot(box, options) {
  let chart = null;
  let data = null;
  const build = () => {
    chart?.destroy();
    chart = null;
    const size = { width: box.clientWidth, height: box.clientHeight };
    if (data?.[0].length > 0 && size.width > 0) chart = new uPlot(options(size), data, box);
  };
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', build);
  new ResizeObserver(() => {
    if (chart === null || chart.width !== box.clientWidth) build();
  }).observe(box);
  return (fresh) => {
    data = fresh;
    if (chart === null || data[0].length === 0) build();
    else chart.setData(data);
  };
}

/** Return what a colour of the style sheets is at the moment: a canvas knows no variables. */
function colour(name) {
  const probe = make('span');
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}
