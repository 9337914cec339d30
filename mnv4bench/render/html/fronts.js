// The fronts: one panel for each group of measurements that may be compared.
const PANELS_AT_ONCE = 12;
const MOST_DRAWN = 1500;  // of one panel; beaten points beyond that are thinned where they lie close
const MOST_BARS = 400;
const FAMILIES_NAMED = 30;
let panelsShown = PANELS_AT_ONCE;
const panels = new Map();

function drawable(group) { return group.points.filter(point => point.status !== EXCLUDED && passes(point)); }

// All members of fronts, and of the others one in each small cell of what is in view.
function thinned(points, range) {
  if (points.length <= MOST_DRAWN) return points;
  const kept = [], cells = new Set();
  const xs = points.map(point => Math.log(point.x)), ys = points.map(point => point.top1);
  const reduce = (list, choose) => list.reduce((a, b) => choose(a, b));
  const [x0, x1, y0, y1] = [reduce(xs, Math.min), reduce(xs, Math.max), reduce(ys, Math.min), reduce(ys, Math.max)];
  const side = Math.sqrt(MOST_DRAWN);
  points.forEach((point, at) => {
    const x = ((xs[at] - x0) / (x1 - x0 || 1) * 100 - range.x[0]) / (range.x[1] - range.x[0]);
    const y = ((ys[at] - y0) / (y1 - y0 || 1) * 100 - range.y[0]) / (range.y[1] - range.y[0]);
    const outside = x < 0 || x > 1 || y < 0 || y > 1;
    const cell = Math.floor(x * side) + ':' + Math.floor(y * side);
    if (point.status === FRONT) kept.push(point);
    else if (!outside && !cells.has(cell)) { cells.add(cell); kept.push(point); }
  });
  return kept;
}

function pointFacts(point) {
  const by = point.by.map(text).join(', ') + (point.byMore ? ' and ' + point.byMore.toLocaleString('en') + ' more' : '');
  return [
    [GROUPS[point.group].column, point.cost + (point.spread ? ' ' + point.spread : '')],
    ['Top-1', point.accuracy && point.accuracy + (point.flags & FLAG.float ? ', of the float network' : '')],
    ['Accuracy', point.accuracyFrom],
    ['Place', STATUS[point.status] + (point.margin ? ' (' + point.margin + ')' : '')],
    ['Beaten by', clipped(by)],
    ['On front', point.shareText && point.shareText + ' of resamples'],
    ['Placement', point.placement],
    ['Origin', point.origin],
    ['Weights', point.weights],
    ['Why left out', point.reason],
  ];
}
function pointSentence(point) {
  return point.model + ', ' + pointFacts(point).filter(fact => fact[1]).map(fact => fact.join(' ')).join('; ');
}

function panel(group) {
  let drawn = [];
  const picks = PICKS.filter(pick => pick.group === group.number);
  const note = make('p', {class: 'muted small', hidden: true});
  const chart = makeChart({
    label: 'Top-1 over ' + group.column.toLowerCase() + ' on ' + group.device + ', ' + group.precision + ', ' + group.origin
      + '. Arrow keys walk the points, Enter opens one, plus and minus zoom. The table of measurements has the same.',
    option: chart => {
      const points = drawable(group).sort((a, b) => a.x - b.x || b.top1 - a.top1);
      const kept = thinned(points, chart.range);
      note.hidden = kept.length === points.length;
      note.textContent = kept.length.toLocaleString('en') + ' of ' + plural(points.length, 'point') + ' drawn: every member of the front, and of the others one where many lie on top of each other. Zoom in for more.';
      drawn = [];
      const ground = css('--surface');
      const narrow = chart.place.clientWidth < 420;
      const members = kept.filter(point => point.status === FRONT);
      const series = frontLines(group, members);
      const bars = kept.length <= MOST_BARS ? kept : members.slice(0, MOST_BARS);
      series.push(errorBars(bars));
      const size = narrow ? 10 : 12;
      const best = new Set(picks.map(pick => text(pick.model)));
      const byFamily = new Map();
      kept.forEach(point => { if (!byFamily.has(point.family)) byFamily.set(point.family, []); byFamily.get(point.family).push(point); });
      for (const [family, alike] of byFamily) {
        alike.forEach((point, index) => drawn.push({series: series.length, index, point}));
        series.push({type: 'scatter', name: family, symbol: familySymbol(family), z: 4,
          progressive: 2000, cursor: 'pointer', emphasis: {scale: 1.6, itemStyle: {opacity: 1}},
          data: alike.map(point => ({name: point.model, value: [power(point.x), point.top1], place: point.place, itemStyle: markStyle(point, ground),
            symbolSize: size * familyScale(family) * (point.status === DOMINATED ? 0.85 : 1)}))});
      }
      // What was asked for is named before the others take its room.
      const named = members.filter(point => best.has(point.model)).concat(members.filter(point => !best.has(point.model)));
      series.push(nameSeries(named, kept, byBasis(members), narrow ? 10 : 11, size / 2 + 1, point => best.has(point.model) ? 5 : 0));
      if (picks.length) series.push(...limitSeries(points, members.filter(point => best.has(point.model)), size));
      drawn.sort((a, b) => a.point.x - b.point.x);
      return {
        grid: {left: 46, right: 22, top: 26, bottom: 44},
        xAxis: axisLook(costAxis(points, group.axis, chart.range.x)),
        yAxis: axisLook(top1Axis(points)),
        tooltip: tooltipLook(event => event.data && event.data.place !== undefined
          ? tip(POINTS[event.data.place].model, pointFacts(POINTS[event.data.place])) : ''),
        series,
      };
    },
    walk: () => drawn.map(one => ({series: one.series, index: one.index, at: [power(one.point.x), one.point.top1], text: pointSentence(one.point), open: () => { location.hash = modelHash(one.point.model); }})),
    open: data => { if (data.place !== undefined) location.hash = modelHash(POINTS[data.place].model); },
    zoomed: chart => {
      clearTimeout(chart.waiting);
      chart.waiting = setTimeout(() => {
        const points = drawable(group);
        if (points.length > MOST_DRAWN) return chart.draw();
        // Nothing but the ticks: what is drawn anew under a finger would take the finger's hold away.
        if (chart.live) chart.live.setOption({xAxis: axisLook(costAxis(points, group.axis, chart.range.x))});
      }, 120);
    },
  });
  const notes = group.notes.map(text);
  const told = [];
  const flagged = flag => group.points.some(point => point.status !== EXCLUDED && point.flags & flag);
  if (flagged(FLAG.random)) told.push('Random weights: the accuracy is that of published training.');
  if (flagged(FLAG.float)) told.push('Half-filled: accuracy of the float network, as nobody evaluated the quantised file.');
  if (flagged(FLAG.synthetic)) told.push('Synthetic calibration.');
  if (flagged(FLAG.partial)) told.push('Some ran partly outside the asked-for unit.');
  const left = group.points.filter(point => point.status === EXCLUDED).length;
  if (left) told.push(plural(left, 'model') + ' left out, see below.');
  picks.forEach(pick => told.push(pick.said));
  if (picks.length) told.push('Shaded: what the limits rule out; ringed: the best within them.');
  const inside = group.points.length > left ? [chart.place, make('div', {class: 'under'}, chart.tools, note)]
    : [make('p', {class: 'empty'}, 'No front: every model of this panel was left out. The reasons stand under “Left out”.')];
  const element = make('article', {class: 'panel'},
    make('header', {}, make('h3', {}, clipped(group.device), make('span', {class: 'precision'}, group.precision)), originBadge(group.origin)),
    make('p', {class: 'muted small'}, [group.origin === 'published' ? 'Published in ' + group.environment + (group.machine ? ': ' + group.machine : '') : group.machine,
      group.measured && 'last measured ' + group.measured + ' UTC'].filter(Boolean).join('; ')),
    inside,
    told.length ? make('p', {class: 'small told'}, told.join(' ')) : null,
    notes.length ? make('details', {class: 'small'}, make('summary', {}, 'How sure is this front'), make('ul', {}, notes.map(line => make('li', {}, line)))) : null);
  return {element, chart};
}

function short(name) { return name.length > 26 ? name.slice(0, 25) + '…' : name; }

function drawFronts() {
  const wanted = GROUPS.filter(groupPasses);
  const shown = wanted.slice(0, panelsShown);
  const home = byId('panels');
  for (const group of shown) if (!panels.has(group.number)) panels.set(group.number, panel(group));
  home.replaceChildren(...shown.map(group => panels.get(group.number).element));
  if (!shown.length) home.replaceChildren(make('p', {class: 'empty'}, GROUPS.length ? 'No panel with these filters.' : 'No front: nothing was measured.'));
  for (const [number, one] of panels) {
    if (!shown.some(group => group.number === number)) one.chart.sleep(); else one.chart.again();
  }
  const more = byId('more-panels');
  const rest = wanted.length - shown.length;
  more.hidden = rest <= 0;
  more.textContent = 'Show ' + Math.min(rest, PANELS_AT_ONCE) + ' more of ' + plural(rest, 'panel');
}

function drawKeys() {
  const origins = [...new Set(GROUPS.map(group => group.origin))];
  const words = {measured: 'Measured: filled, whole line', published: 'Published: hollow, dashed line',
    emulated: 'Counted under an emulator, or timed on a GPU that the processor plays: dotted, no latency of a device', predicted: 'Predicted: hollow, dashed border, dash-dotted line'};
  const keys = origins.map(origin => make('li', {}, lineMark(DASHES[origin] || 'solid'), words[origin] || origin));
  if (POINTS.some(point => point.low !== null)) keys.push(make('li', {}, 'Bars: interval of the median' + (POINTS.some(p => p.top1Low !== null) ? ', and of a measured accuracy' : '')));
  keys.push(make('li', {class: 'screen-only'}, 'Hover or tap for details; Ctrl and the wheel, or the buttons, zoom'));
  // Where the filters are out of sight nothing else says whose a mark is.
  const families = [...new Set(POINTS.filter(passes).map(point => point.family))].sort(collator.compare);
  keys.push(...families.slice(0, FAMILIES_NAMED).map(family => make('li', {class: 'family-key'}, familyMark(family), make('span', {}, clipped(family)))));
  byId('keys').replaceChildren(...keys);
}
