// How has the house done over the last day? Two lines of latency, and bars of calls.

import { byId, keep, make, mark, say } from '../kit/dom.js';
import { count, plain, span, time, whole } from '../kit/words.js';
import { bars, lines } from './plots.js';

const SHARES = ['p50', 'p95'];
const FAULTS = ['user', 'config', 'provider', 'platform'];
const ENDS_AT_MOST = 5;

/** Build the charts; return what fills them from `charts` and `house` messages. */
export function buildCharts() {
  const start = latency('Start latency', 'From a request to an agent that can talk.');
  const turn = latency('Turn latency', 'From a caller’s last word to the first sound of the answer.');
  const hours = callsAnHour();
  const ends = whyEnded();
  byId('charts').replaceChildren(...[start, turn, hours, ends].map(({ element }) => element));
  return {
    house(house) {
      start.now(house.start);
      turn.now(house.turn);
    },
    charts(charts) {
      start.day(charts.latencies.map(({ at, start: of }) => ({ at, of })));
      turn.day(charts.latencies.map(({ at, turn: of }) => ({ at, of })));
      hours.day(charts.hours);
      ends.day(charts.ends);
    },
  };
}

/** A panel with a title, a line that tells figures by the colour they have, and room to draw. */
function panel(title, explanation) {
  const hint = make('p');
  const plot = make('div', { class: 'plot' });
  const element = make('figure', { class: 'panel chart', title: explanation },
    make('header', {}, make('h2', {}, title), hint), plot);
  const tell = (figures, when = '') => keep(hint, [['when', when], ...figures], {
    key: ([name]) => name,
    create: ([name]) => make('span', { class: name === 'when' ? null : `key key-${name}` }),
    update: (figure, [, text]) => say(figure, text),
  });
  const name = (words) => {
    mark(plot, 'role', 'img');
    mark(plot, 'aria-label', `${title}: ${words}`);
  };
  return { element, plot, tell, name };
}

function latency(title, explanation) {
  const { element, plot, tell, name } = panel(title, explanation);
  let present = { count: 0 };
  let stretches = [];
  let pointed = null;
  const figures = ({ p50Ms, p95Ms }) => [['p50', `p50 ${span(p50Ms)}`], ['p95', `p95 ${span(p95Ms)}`]];
  const point = (place) => {
    pointed = place;
    if (place in stretches) tell(figures(stretches[place].of), time(stretches[place].at).slice(0, 5));
    else if (present.count > 0) tell(figures(present));
    else tell([], 'nothing lately');
  };
  const draw = lines(plot, SHARES, span, point);
  const now = (fresh) => {
    present = fresh;
    point(pointed);
    name(fresh.count === 0 ? 'nothing lately' : figures(fresh).map(([, text]) => text).join(', '));
  };
  const day = (fresh) => {
    stretches = fresh.filter(({ of }) => of.count > 0);
    draw([stretches.map(({ at }) => at / 1000), stretches.map(({ of }) => of.p50Ms), stretches.map(({ of }) => of.p95Ms)]);
  };
  return { element, now, day };
}

function callsAnHour() {
  const { element, plot, tell, name } = panel('Calls an hour', 'Calls that ended in each of the last 24 hours, by fault.');
  let hours = [];
  const point = (place) => {
    if (!(place in hours)) {
      const met = FAULTS.filter((fault) => hours.some(({ faults }) => faults[fault]));
      tell(met.map((fault) => [fault, fault]));
    } else {
      const { at, faults } = hours[place];
      tell(FAULTS.filter((fault) => faults[fault]).map((fault) => [fault, whole(faults[fault])]), time(at).slice(0, 5));
    }
  };
  const draw = bars(plot, FAULTS, point);
  const day = (fresh) => {
    hours = fresh;
    point(null);
    const present = hours.at(-1);
    if (present) name(`${whole(present.ended)} in the present hour`);
    draw([hours.map(({ at }) => at / 1000), ...FAULTS.map((fault) => hours.map(({ faults }) => faults[fault] ?? 0))]);
  };
  return { element, day };
}

function whyEnded() {
  const { element, plot, tell } = panel('Why calls ended', 'Over the last 24 hours, by reason and fault.');
  const list = make('ol', { class: 'ends' });
  plot.append(list);
  const day = (ends) => {
    const most = ends[0]?.count ?? 0;
    tell([], ends.length === 0 ? 'none has' : count(ends.reduce((sum, end) => sum + end.count, 0), 'call'));
    keep(list, ends.slice(0, ENDS_AT_MOST), {
      key: (end) => end.reason,
      create: (end) => make('li', { class: `fault-${end.fault}`, title: `Fault: ${end.fault}` },
        make('span', {}, plain(end.reason), make('span', { class: 'unseen' }, `, fault: ${end.fault}`)),
        make('span', { class: 'track', 'aria-hidden': 'true' }, make('i')), make('b')),
      update: (line, end) => {
        line.children[1].firstElementChild.style.width = `${Math.max(2, (100 * end.count) / most)}%`;
        say(line.children[2], whole(end.count));
      },
    });
  };
  return { element, day };
}
