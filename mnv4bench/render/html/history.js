// Over time: where a latency changed, and the sessions of one series.
let chosenSeries = 0, historyChart = null, changesTable = null;

function seriesPasses(one) {
  return passes({family: text(one.family), device: text(one.device), precision: text(one.precision), origin: text(one.origin), model: text(one.model)});
}
function seriesTitle(one) { return text(one.model) + ' on ' + text(one.device) + ', ' + text(one.precision); }

function buildHistory() {
  const home = byId('over-time');
  if (!DATA.history) {
    home.append(make('p', {class: 'empty'}, 'No history: nothing here was measured three times or more.'));
    return;
  }
  const all = DATA.history.series;
  changesTable = sortingTable('Change points', [
    {title: 'Model', value: row => text(row.one.model), cell: row => modelLink(text(row.one.model))},
    {title: 'Change', right: true, value: row => row.change[4], cell: row => make('span', {class: 'change ' + text(row.change[3])}, text(row.change[3]) + ' ' + text(row.change[5]))},
    {title: 'Sessions', acts: true, value: row => text(row.one.model), cell: row => make('button', {type: 'button', onclick: () => { choose(row.at); historyChart.place.focus(); }}, 'Show')},
    {title: 'From (UTC)', value: row => row.change[0], cell: row => text(row.change[1])},
    {title: 'Level', value: row => text(row.change[6]), cell: row => text(row.change[6])},
    {title: 'Certainty', right: true, value: row => -row.change[9], cell: row => text(row.change[7])},
    {title: 'Device', value: row => text(row.one.device), cell: row => clipped(text(row.one.device))},
    {title: 'Precision', value: row => text(row.one.precision), cell: row => text(row.one.precision)},
    {title: 'Commit', value: row => text(row.change[2]), cell: row => make('code', {}, text(row.change[2]))},
    {title: 'Along with it', value: row => text(row.change[8]), cell: row => text(row.change[8]) ? make('span', {class: 'notes'}, text(row.change[8])) : ''},
  ], {none: 'No change point: every level held.'});
  const picker = make('select', {id: 'series'});
  picker.addEventListener('change', () => choose(Number(picker.value)));
  const about = make('p', {class: 'muted small', id: 'series-about'});
  const stops = [];
  historyChart = makeChart({
    label: 'Sessions of one series over time, with their levels and change points. Arrow keys walk the sessions.',
    option: chart => {
      const one = all[chosenSeries];
      const times = one.moments.map((moment, place) => ({moment, place})).filter(item => item.moment[0] !== null);
      stops.length = 0;
      times.forEach((item, index) => stops.push({series: 0, index, text: momentFacts(item.moment).filter(fact => fact[1]).map(fact => fact.join(' ')).join('; ')}));
      const labels = changeLabels(one.changes.map(change => change[0]), times.map(item => item.moment[0]), chart);
      const drawn = {slower: css('--taint'), faster: css('--good')};
      return {
        grid: {left: 52, right: 18, top: 44, bottom: 40},
        xAxis: axisLook({type: 'time', splitLine: {show: false}}),
        yAxis: axisLook({type: 'value', scale: true, name: 'Latency, ms', nameGap: 24, nameTextStyle: {align: 'left', padding: [0, 0, 0, -40], color: css('--muted'), fontSize: 11}}),
        tooltip: tooltipLook(event => event.data && event.data.place !== undefined ? tip(text(one.moments[event.data.place][3]), momentFacts(one.moments[event.data.place])) : ''),
        series: [
          {type: 'scatter', symbolSize: 7, z: 4, data: times.map(({moment, place}) => ({value: [moment[0], moment[1]], place,
            itemStyle: moment[5] ? {color: css('--surface'), borderColor: css('--muted'), borderWidth: 1.4} : {color: css('--accent')}})),
            markLine: {symbol: 'none', silent: true, label: {formatter: event => event.name, color: css('--ink'), fontSize: 11, position: 'end'},
              data: one.changes.map((change, number) => ({xAxis: change[0], name: text(change[3]) + ' ' + text(change[5]).split(' (')[0], label: labels[number], lineStyle: {color: drawn[text(change[3])], width: 1.5, type: text(change[3]) === 'slower' ? 'solid' : 'dashed'}}))}},
          ...one.levels.map(level => ({type: 'line', symbol: 'none', silent: true, z: 3, lineStyle: {color: css('--front'), width: 2}, data: [[level[0], level[2]], [level[1], level[2]]]})),
        ],
      };
    },
    walk: () => stops,
  });
  function choose(at) {
    chosenSeries = at;
    picker.value = String(at);
    about.textContent = text(all[at].machine) + '. ' + all[at].levels.length + (all[at].levels.length === 1 ? ' level: ' : ' levels: ') + all[at].levels.slice(0, 6).map(level => text(level[3])).join('; ') + '.';
    historyChart.range = {x: [0, 100], y: [0, 100]};
    historyChart.again();
  }
  home.append(make('ul', {class: 'lead plain'}, DATA.history.notes.map(line => make('li', {}, text(line)))), make('h3', {}, 'Change points'), changesTable.element,
    make('h3', {}, 'Sessions'), make('p', {}, make('label', {}, 'Series ', picker)), about,
    make('div', {class: 'panel'}, historyChart.place, make('div', {class: 'under'}, historyChart.tools)));
  buildHistory.choose = choose;
  buildHistory.picker = picker;
}
// A label above its line, on the side that has room, in one of two rows; where lines are closer still, the table alone has it.
function changeLabels(changes, times, chart) {
  const first = Math.min(...times, ...changes), last = Math.max(...times, ...changes);
  const [start, end] = chart.range.x.map(share => first + (last - first) * share / 100);
  const room = Math.max(120, chart.place.clientWidth - 70);
  const taken = [-Infinity, 40];  // the upper row begins behind the name of the axis
  return changes.map(at => {
    const x = (at - start) / (end - start || 1) * room;
    const align = x < 60 ? 'left' : x > room - 60 ? 'right' : 'center';
    const left = x - (align === 'center' ? 48 : align === 'right' ? 96 : 0);
    const row = taken.findIndex(end => left >= end);
    if (x < -1 || x > room + 1 || row < 0) return {show: false};
    taken[row] = left + 100;
    return {align, distance: 3 + 13 * row};
  });
}
function momentFacts(moment) {
  return [['Latency', text(moment[2])], ['When', text(moment[3]) + ' UTC'], ['Commit', text(moment[4])], ['Not used', text(moment[5])]];
}
function drawHistory() {
  if (!DATA.history) return;
  const shown = DATA.history.series.map((one, at) => ({one, at})).filter(item => seriesPasses(item.one));
  changesTable.show(shown.flatMap(({one, at}) => one.changes.map(change => ({one, at, change}))));
  // A list of a thousand options is no help; the search finds the others.
  buildHistory.picker.replaceChildren(...shown.slice(0, 300).map(({one, at}) => make('option', {value: at}, seriesTitle(one))));
  if (shown.length) buildHistory.choose(shown.some(item => item.at === chosenSeries) ? chosenSeries : shown[0].at);
}
