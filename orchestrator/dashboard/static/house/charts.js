// How has the house done over the last day? Two lines of latency, and bars of calls.

import { byId, keep, make, mark, say } from '../kit/dom.js';
import { NOTHING, count, plain, span, time, whole } from '../kit/words.js';
import { bars, lines } from './plots.js';

const FAULTS = ['user', 'config', 'provider', 'platform'];
const ENDS_AT_MOST = 5;

/** Build the charts; return what fills them from `charts` and `house` messages. */
export function buildCharts() {
  const start = figure('Start latency', 'From a request to an agent that can talk.');
  const turn = figure('Turn latency', 'From a caller’s last word to the first sound of the answer.');
  const hours = figure('Calls an hour', 'Calls that ended in each of the last 24 hours.');
  const ends = figure('Why calls ended', 'Over the last 24 hours, by reason and fault.');
  byId('charts').replaceChildren(start.element, turn.element, hours.element, ends.element);
  const list = make('ol', { class: 'ends' });
  ends.plot.removeAttribute('role');
  ends.plot.removeAttribute('aria-label');
  ends.plot.append(list);
  const drawStart = lines(start.plot, ['p50', 'p95'], span);
  const drawTurn = lines(turn.plot, ['p50', 'p95'], span);
  const drawHours = bars(hours.plot, FAULTS);
  return {
    house(house) {
      tellLatency(start, house.start);
      tellLatency(turn, house.turn);
    },
    charts(charts) {
      drawStart(latencies(charts, 'start'));
      drawTurn(latencies(charts, 'turn'));
      drawHours([charts.hours.map(({ at }) => at / 1000), ...FAULTS.map((fault) => charts.hours.map((hour) => hour.faults[fault] ?? 0))]);
      const present = charts.hours.at(-1);
      tell(hours, present ? `${whole(present.ended)} since ${time(present.at).slice(0, 5)}` : '');
      tellEnds(ends, list, charts.ends);
    },
  };
}

function figure(title, explanation) {
  const hint = make('p');
  const plot = make('div', { class: 'plot', role: 'img', 'aria-label': title });
  const element = make('figure', { class: 'panel chart', title: explanation },
    make('header', {}, make('h2', {}, title), hint), plot);
  return { title, hint, plot, element };
}

function tell(figure, words) {
  say(figure.hint, words);
  if (figure.plot.hasAttribute('role')) mark(figure.plot, 'aria-label', `${figure.title}: ${words}`);
}

function tellLatency(figure, { count: number, p50Ms, p95Ms }) {
  const words = { p50: span(p50Ms), p95: span(p95Ms) };
  keep(figure.hint, number === 0 ? [] : Object.entries(words), {
    key: ([name]) => name,
    create: ([name]) => make('span', { class: `key key-${name}` }),
    update: (element, [name, text]) => say(element, `${name} ${text}`),
  });
  const told = number === 0 ? 'nothing lately' : `p50 ${words.p50}, p95 ${words.p95} lately`;
  mark(figure.plot, 'aria-label', `${figure.title}: ${told}`);
}

function latencies(charts, name) {
  const found = charts.latencies.filter((one) => one[name].count > 0);
  return [
    found.map(({ at }) => at / 1000),
    found.map((one) => one[name].p50Ms),
    found.map((one) => one[name].p95Ms),
  ];
}

function tellEnds(figure, list, ends) {
  const most = ends[0]?.count ?? 0;
  tell(figure, ends.length === 0 ? NOTHING : count(ends.reduce((sum, end) => sum + end.count, 0), 'call'));
  keep(list, ends.slice(0, ENDS_AT_MOST), {
    key: (end) => `${end.reason}`,
    create: (end) => make('li', { class: `fault-${end.fault}` }, make('span', {}, plain(end.reason)), make('span', { class: 'track', 'aria-hidden': 'true' }, make('i')), make('b'), make('span', { class: 'unseen' }, `, fault: ${end.fault}`)),
    update: (line, end) => {
      line.children[1].firstElementChild.style.width = `${Math.max(2, (100 * end.count) / most)}%`;
      say(line.children[2], whole(end.count));
      mark(line, 'title', `Fault: ${end.fault}`);
    },
  });
}
